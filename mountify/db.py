"""The database: one engine a process, one session a thread, no knowledge of who asks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, scoped_session, sessionmaker

LOCK_TIMEOUT_MS = 3_000
STATEMENT_TIMEOUT_MS = 10_000
IDLE_TIMEOUT_MS = 30_000  # in a transaction: whoever stands still for so long gives back what it has locked
POOL_WAIT_S = 5
# For every connection of web and worker: a host that vanishes says nothing, and is to be missed within half a minute.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-KEEPALIVES
LIBPQ = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
}
# https://www.postgresql.org/docs/current/errcodes-appendix.html: serialization_failure, deadlock_detected
COLLISIONS = frozenset({"40001", "40P01"})
LOCKED = "55P03"  # lock_not_available: LOCK_TIMEOUT_MS were not enough
ALIKE = 0.33  # of the trigrams of a word: two letters swapped in five

factory = sessionmaker[Session]()
session: scoped_session[Session] = scoped_session(factory)


def connect(url: str, *, pool_size: int = 8) -> Engine:
    """Make the engine that every session of this process uses from now on. Nothing is opened yet."""
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=2,
        pool_timeout=POOL_WAIT_S,
        pool_pre_ping=True,
        hide_parameters=True,  # they are people's, and errors go to the logs
        connect_args={
            **LIBPQ,
            "options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC"
            f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS}"
            f" -c pg_trgm.word_similarity_threshold={ALIKE}",
        },
    )
    bind(engine)
    return engine


def bind(to: Engine | Connection, **options: Any) -> None:
    """Let every session from now on work on an engine, or inside a connection's open transaction."""
    session.remove()
    factory.configure(bind=to, **options)


def code_of(error: DBAPIError) -> str:
    """PostgreSQL's own code for what went wrong; empty when it is not PostgreSQL that says so."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def has_failed(error: DBAPIError) -> bool:
    """Say whether the database is at fault, and not what it was asked.

    A connection that was cut may be told of by any kind of error: psycopg's for IDLE_TIMEOUT_MS is an InternalError.
    """
    return isinstance(error, OperationalError) or error.connection_invalidated


def release() -> None:
    """Give the connection back to the pool: at the end of a request, and before an outside service is asked.

    One that was cut has nothing to roll back any more.
    """
    try:
        session.remove()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        session.remove()


def assert_no_connection() -> None:
    """Refuse to wait for an outside service while a transaction is open. Raises RuntimeError."""
    if session.registry.has() and session().in_transaction():
        raise RuntimeError("an outside service must not be called while a transaction is open")
