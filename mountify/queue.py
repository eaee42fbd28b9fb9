"""Work that must follow a change is queued in the same transaction as the change."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from procrastinate import App, SyncPsycopgConnector
from procrastinate.exceptions import ConnectorException
from sqlalchemy import BigInteger, ColumnElement, Integer, Select, String, cast, column, delete, exists, select, table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import InstrumentedAttribute, Session

OVERDUE_AFTER = timedelta(seconds=60)  # whatever a job is for should have been done by then
MOST_AT_ONCE = 500

# Never opened: every job is written through the connection of the open transaction.
_app = App(connector=SyncPsycopgConnector())

_jobs = table(
    "procrastinate_jobs",
    column("id", BigInteger),
    column("task_name", String),
    column("status", String),
    column("args", JSONB),
    column("attempts", Integer),
)


def defer(session: Session, task: str, *, scheduled_at: datetime | None = None, **arguments: int | str) -> None:
    """Queue a job that exists when, and only when, the transaction of `session` commits; to be done then, or later.

    Raises SQLAlchemy's OperationalError, as all else in the transaction does, when the database is at fault.
    """
    connection: Any = session.connection().connection.driver_connection
    try:
        _app.configure_task(task, connection=connection, schedule_at=scheduled_at).defer(**arguments)
    except ConnectorException as error:
        if not isinstance(error.__cause__, psycopg.OperationalError):
            raise
        raise OperationalError(
            f"queue {task}", None, error.__cause__, hide_parameters=True, connection_invalidated=connection.closed
        ) from error


def requeue(
    session: Session, task: str, argument: str, column: InstrumentedAttribute[int], *overdue: ColumnElement[bool]
) -> int:
    """Queue a job again for each overdue row that has none, and say how many: it may have died with its worker."""
    lost = session.scalars(select(column).where(*overdue, ~_has_job(task, argument, column)).limit(MOST_AT_ONCE)).all()
    for row_id in lost:
        arguments: dict[str, Any] = {argument: row_id}
        defer(session, task, **arguments)
    return len(lost)


def _has_job(task: str, argument: str, value: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """A condition: a job of this task, about this row, waits, is being worked on, or is dead and waits for a person."""
    known: Select[tuple[object]] = select(_jobs.c.task_name).where(
        _jobs.c.task_name == task,
        _jobs.c.status.cast(String).in_(("todo", "doing", "failed")),
        cast(_jobs.c.args[argument].astext, BigInteger) == value,
    )
    return exists(known)


@dataclass(frozen=True)
class DeadJob:
    """A job that failed for the last time."""

    id: int
    task: str
    arguments: dict[str, Any]
    attempts: int


def list_dead(session: Session) -> list[DeadJob]:
    """List what is not tried again by itself, oldest first."""
    rows = session.execute(
        select(_jobs.c.id, _jobs.c.task_name, _jobs.c.args, _jobs.c.attempts).where(_is_dead()).order_by(_jobs.c.id)
    )
    return [DeadJob(*row) for row in rows]


def retry(session: Session, job_id: int) -> bool:
    """Put a new job in the place of a dead one, and say whether there was one."""
    found = session.execute(
        delete(_jobs).where(_jobs.c.id == job_id, _is_dead()).returning(_jobs.c.task_name, _jobs.c.args)
    ).one_or_none()
    if found is not None:
        defer(session, found.task_name, **found.args)
    return found is not None


def forget_dead(session: Session, tasks: Collection[str]) -> None:
    """Let dead jobs go of tasks whose work comes round again by itself."""
    session.execute(delete(_jobs).where(_jobs.c.task_name.in_(tasks), _is_dead()))


def _is_dead() -> ColumnElement[bool]:
    return _jobs.c.status.cast(String) == "failed"
