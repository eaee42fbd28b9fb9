"""Whether the shop can sell right now, and whether what it sold is being worked on."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mountify import db

HEARTBEAT_WITHIN = timedelta(seconds=30)
DUE_WITHIN = timedelta(seconds=60)

_BEATS = "SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > :since)"
_WAITS = """
    SELECT EXISTS (
        SELECT FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
        WHERE j.status = 'todo' AND coalesce(j.scheduled_at, e.at) < :since)
"""


def find_trouble(*, now: datetime) -> str | None:
    """Name the part that keeps the shop from being ready: database, worker (none beats), queue (none of them works)."""
    try:
        if not db.session.scalar(text(_BEATS), {"since": now - HEARTBEAT_WITHIN}):
            return "worker"
        return "queue" if db.session.scalar(text(_WAITS), {"since": now - DUE_WITHIN}) else None
    except SQLAlchemyError:
        db.release()
        return "database"
