"""What is remembered of the worker's tasks, so that one that fails again and again, or never ends, is seen.

A task is due by some time from its first beginning that no success has followed: one that fails, one that hangs and
one that takes its process down look the same. While no worker runs the audit calls nothing late, and a worker that
starts after such a time gives each task its time anew: only what is begun and not ended while workers live is missed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, func, text, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from mountify.models.task_run import TaskRun
from mountify.transaction import transaction

log = structlog.get_logger()

# A worker that is told to end takes its heartbeat away; that it has lived, the tasks of each minute tell.
BEATEN_WITHIN = timedelta(seconds=30)  # longer than a restart takes
ENDED_WITHIN = timedelta(minutes=2)
_HAS_WORKED = text("""
    SELECT EXISTS (SELECT FROM procrastinate_workers WHERE last_heartbeat > :beats)
        OR EXISTS (SELECT FROM task_runs WHERE ended_at > :ends)
""")


def begin(task: str, *, due_by: datetime) -> None:
    """Note that a periodic task begins, and by when it must have succeeded if it has not before."""
    _note(insert(TaskRun).values(task=task, due_by=due_by), due_by=func.coalesce(TaskRun.due_by, due_by))


def succeed(task: str, *, now: datetime) -> None:
    _note(insert(TaskRun).values(task=task, ended_at=now), due_by=None, ended_at=now, error=None)


def fail(task: str, error: str, *, now: datetime) -> None:
    """Note that a task has ended badly; when it is due stays as it is."""
    _note(insert(TaskRun).values(task=task, ended_at=now, error=error), ended_at=now, error=error)


def give_time(missed_after: Mapping[str, timedelta], *, now: datetime) -> None:
    """Let what is due be due only after the time its task may take from now, unless a worker was there just now.

    When one was, it may be a task that takes its process down each time: that one must become late some day.
    """
    with _noting() as session:
        if session.scalar(_HAS_WORKED, {"beats": now - BEATEN_WITHIN, "ends": now - ENDED_WITHIN}):
            return
        for task, limit in missed_after.items():
            too_early = update(TaskRun).where(TaskRun.task == task, TaskRun.due_by < now + limit)
            session.execute(too_early.values(due_by=now + limit))


def _note(row: Insert, **known: datetime | str | ColumnElement[datetime] | None) -> None:
    with _noting() as session:
        session.execute(row.on_conflict_do_update(index_elements=[TaskRun.task], set_=known))


@contextmanager
def _noting() -> Iterator[Session]:
    """Remember, where it can be written: what a task has done is done either way, and how it failed is told by it."""
    try:
        with transaction() as session:
            yield session
    except SQLAlchemyError as error:
        log.warning("task_run_not_noted", why=type(error).__name__)
