"""Whether the shop can sell right now."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from mountify import db


def is_ready() -> bool:
    try:
        return bool(db.session.scalar(text("SELECT true")))
    except SQLAlchemyError:
        db.release()
        return False
