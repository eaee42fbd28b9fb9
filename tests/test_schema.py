"""Migrations go up, go down, and say what the models say."""

import pytest
import sqlalchemy as sa
from alembic import command

from mountify import schema
from tests.databases import fresh_database
from tests.running import ROOT


@pytest.fixture
def empty(number: int) -> str:
    return fresh_database(f"schema_{number}", template="template0")


def test_the_way_up_ends_at_the_models_and_the_way_down_at_nothing(empty: str) -> None:
    assert schema.missing_revisions(empty) == len(list((ROOT / "migrations" / "versions").glob("*.py")))
    schema.upgrade(empty)
    assert schema.missing_revisions(empty) == 0
    command.check(schema.alembic_config(empty))
    schema.downgrade(empty)
    engine = sa.create_engine(empty, poolclass=sa.NullPool)
    with engine.connect() as connection:
        left = connection.scalars(
            sa.text(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'S')"
            )
        ).all()
    assert left == ["alembic_version"]
    schema.upgrade(empty)
    engine.dispose()


def test_every_constraint_is_named_after_its_table_once(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        names = connection.execute(
            sa.text(
                "SELECT conname, relname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
                " WHERE contype = 'c' AND connamespace = 'public'::regnamespace AND relname !~ '^procrastinate'"
            )
        ).all()
    assert len(names) > 20
    for name, table in names:
        assert name.startswith(f"ck_{table}_") and not name.startswith(f"ck_{table}_ck_"), name
