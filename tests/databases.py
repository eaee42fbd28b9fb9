"""Databases of the run's own server."""

from __future__ import annotations

import os

import sqlalchemy as sa

from mountify.models import Base

DATABASE = "MOUNTIFY_TEST_DATABASE"  # the variable that holds the address of the migrated one


def fresh_database(name: str, template: str | None = None) -> str:
    """Make a database anew, as a copy of the migrated one unless told otherwise, and give its address."""
    main = sa.engine.make_url(os.environ[DATABASE])
    admin = sa.create_engine(main.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template or main.database}"))
    admin.dispose()
    return main.set(database=name).render_as_string(hide_password=False)


def empty(engine: sa.Engine) -> None:
    """Take everything out of a database that a test has committed to."""
    tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with engine.begin() as connection:
        connection.execute(
            sa.text(f"TRUNCATE {tables}, procrastinate_jobs, procrastinate_workers RESTART IDENTITY CASCADE")
        )
