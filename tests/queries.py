"""What PostgreSQL is asked."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa


def queries(of: Callable[[], object]) -> list[str]:
    """Run something and give the statements that PostgreSQL was asked meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        of()
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    return asked
