"""Run migrations against the database the command line names. Never imports services or the web."""

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Enum, create_engine, pool

from mountify.models import Base
from mountify.models.base import MoneyType


def is_ours(thing: object, name: str | None, kind: str, reflected: bool, compare_to: object) -> bool:
    """Leave the queue's own tables to the migration that made them."""
    return not (name or "").startswith("procrastinate_")


def render_item(kind: str, thing: object, _context: AutogenContext) -> str | bool:
    if kind == "type" and isinstance(thing, MoneyType):
        return "sa.Numeric(10, 2)"
    if kind == "type" and isinstance(thing, Enum):
        words = ", ".join(repr(str(word)) for word in thing.enums)
        return (
            f"sa.Enum({words}, name={thing.name!r}, native_enum=False, create_constraint=True, length={thing.length})"
        )
    return False


def run(url: str) -> None:
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_object=is_ours,
            render_item=render_item,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run(context.config.attributes["database_url"])
