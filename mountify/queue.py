"""Work that must follow a change is queued in the same transaction as the change."""

from __future__ import annotations

from procrastinate import App, SyncPsycopgConnector
from sqlalchemy.orm import Session

# Never opened: every job is written through the connection of the open transaction.
_app = App(connector=SyncPsycopgConnector())


def defer(session: Session, task: str, *, lock: str | None = None, **arguments: int | str) -> None:
    """Queue a job that exists when, and only when, the transaction of `session` commits."""
    connection = session.connection().connection.driver_connection
    _app.configure_task(task, connection=connection, lock=lock).defer(**arguments)
