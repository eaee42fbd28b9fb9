"""Whether the shop can sell right now, and whether what it sold is being worked on."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mountify import db

HEARTBEAT_WITHIN = timedelta(seconds=15)  # a worker that has been silent for ten is taken for dead
DUE_WITHIN = timedelta(seconds=60)
MOVES_WITHIN = timedelta(seconds=60)

_BEATS = "SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > :since)"
# What waits for the end of another of its kind waits by right.
_WAITS = """
    SELECT EXISTS (
        SELECT FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred'
        WHERE j.status = 'todo' AND coalesce(j.scheduled_at, e.at) < :since
          AND NOT EXISTS (SELECT FROM procrastinate_jobs k WHERE k.lock = j.lock AND k.status = 'doing'))
"""
# The queue forgets a job that has succeeded, so that its own events tell only of those that have begun.
_MOVES = """
    SELECT EXISTS (SELECT FROM task_runs WHERE ended_at > :since)
        OR EXISTS (SELECT FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id
                   WHERE j.status = 'doing' AND e.type = 'started' AND e.at > :since)
"""


def find_trouble(*, now: datetime) -> str | None:
    """Name the part that keeps the shop from being ready: database, worker (none beats), queue (none of them works).

    Many jobs at once may wait for longer than a minute: as long as some begin or end, their turn comes.
    """
    try:
        if not _holds(_BEATS, now - HEARTBEAT_WITHIN):
            return "worker"
        if _holds(_WAITS, now - DUE_WITHIN) and not _holds(_MOVES, now - MOVES_WITHIN):
            return "queue"
        return None
    except SQLAlchemyError:
        db.release()
        return "database"


def _holds(question: str, since: datetime) -> bool:
    return bool(db.session.scalar(text(question), {"since": since}))
