"""Databases of the run's own server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from mountify import db
from mountify.core.clock import utcnow
from mountify.services.audit import CHECKS, Violation

DATABASE = "MOUNTIFY_TEST_DATABASE"  # the variable that holds the address of the migrated one
_TABLES = sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'")
_EVERY_CHECK = sa.text(
    " UNION ALL ".join(
        f"SELECT '{invariant}', * FROM ({query}) AS found (what, repair)" for invariant, query in CHECKS.items()
    )
)
_COUNT_FROM_ONE = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL
"""


def fresh_database(name: str, template: str | None = None) -> str:
    """Make a database anew, as a copy of the migrated one unless told otherwise, and give its address."""
    main = sa.engine.make_url(os.environ[DATABASE])
    with administering(main) as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template or main.database}"))
    return main.set(database=name).render_as_string(hide_password=False)


@contextmanager
def administering(url: sa.URL) -> Iterator[sa.Connection]:
    """A connection to the server of a database, not to the database itself."""
    admin = sa.create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        yield connection
    admin.dispose()


@contextmanager
def out_of_reach(url: sa.URL) -> Iterator[None]:
    """Let a database take no connection until the block is over, and cut those that there are."""
    with administering(url) as connection:
        connection.execute(sa.text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS false"))
        try:
            cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
            connection.execute(sa.text(cut), {"name": url.database})
            yield
        finally:
            connection.execute(sa.text(f"ALTER DATABASE {url.database} ALLOW_CONNECTIONS true"))


def audit_at_once(*, now: datetime) -> list[Violation]:
    """What the audit finds, by one question instead of twenty-five: it comes after every test."""
    return [Violation(*row) for row in db.session.execute(_EVERY_CHECK, {"now": now})]


def assert_every_invariant_holds() -> None:
    """Whatever a test has left unfinished is undone first."""
    db.release()
    try:
        found = audit_at_once(now=utcnow())
        assert found == [], found
    finally:
        db.release()


def empty(engine: sa.Engine) -> None:
    """Take everything out of a database that a test has committed to, and count from one again.

    Deleting the few rows that there are takes a tenth of what TRUNCATE takes, which makes every file anew.
    """
    with engine.begin() as connection:
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # the audit log refuses otherwise
        tables = connection.scalars(_TABLES)
        asked = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)
        for table in connection.scalars(sa.text(asked)).all():
            connection.execute(sa.text(f"DELETE FROM {table}"))
        connection.execute(sa.text(_COUNT_FROM_ONE))
