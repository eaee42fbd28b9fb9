"""Work that must follow a change is queued in the same transaction as the change."""

from __future__ import annotations

from procrastinate import App, SyncPsycopgConnector
from sqlalchemy import BigInteger, ColumnElement, Select, String, cast, column, exists, select, table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import InstrumentedAttribute, Session

# Never opened: every job is written through the connection of the open transaction.
_app = App(connector=SyncPsycopgConnector())

_jobs = table("procrastinate_jobs", column("task_name", String), column("status", String), column("args", JSONB))


def defer(session: Session, task: str, *, lock: str | None = None, **arguments: int | str) -> None:
    """Queue a job that exists when, and only when, the transaction of `session` commits."""
    connection = session.connection().connection.driver_connection
    _app.configure_task(task, connection=connection, lock=lock).defer(**arguments)


def has_live_job(task: str, argument: str, value: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """A condition: a job of this task, about this row, waits or is being worked on."""
    live: Select[tuple[object]] = select(_jobs.c.task_name).where(
        _jobs.c.task_name == task,
        _jobs.c.status.cast(String).in_(("todo", "doing")),
        cast(_jobs.c.args[argument].astext, BigInteger) == value,
    )
    return exists(live)
