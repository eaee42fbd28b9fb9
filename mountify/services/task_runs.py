"""What is remembered of the worker's tasks, so that one that fails again and again, or never ends, is seen.

A task is due by some time from its first beginning that no success has followed: one that fails, one that hangs and
one that takes its process down look the same. While no worker runs nothing begins, so nothing becomes due.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, func
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import SQLAlchemyError

from mountify.models.task_run import TaskRun
from mountify.transaction import transaction

log = structlog.get_logger()


def begin(task: str, *, due_by: datetime) -> None:
    """Note that a periodic task begins, and by when it must have succeeded if it has not before."""
    _note(insert(TaskRun).values(task=task, due_by=due_by), due_by=func.coalesce(TaskRun.due_by, due_by))


def succeed(task: str, *, now: datetime) -> None:
    _note(insert(TaskRun).values(task=task, ended_at=now), due_by=None, ended_at=now, error=None)


def fail(task: str, error: str, *, now: datetime) -> None:
    """Note that a task has ended badly; when it is due stays as it is."""
    _note(insert(TaskRun).values(task=task, ended_at=now, error=error), ended_at=now, error=error)


def _note(row: Insert, **known: datetime | str | ColumnElement[datetime] | None) -> None:
    """Remember, where it can be written: what a task has done is done either way, and how it failed is told by it."""
    try:
        with transaction() as session:
            session.execute(row.on_conflict_do_update(index_elements=[TaskRun.task], set_=known))
    except SQLAlchemyError as error:
        log.warning("task_run_not_noted", why=type(error).__name__)
