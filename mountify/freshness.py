"""When what every shopper sees has last changed: the version of catalogue and settings (see versions.py)."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from mountify import db, versions
from mountify.models.account import Setting
from mountify.models.base import Base
from mountify.models.catalogue import Category, Inventory, Product, ProductImage, ProductSlug

SHOWN: tuple[type[Base], ...] = (Category, Inventory, Product, ProductImage, ProductSlug, Setting)
_VERSION = "catalogue:version"


def read() -> int:
    """Give the version: nanoseconds since 1970 of the last change. Raises StoreDown, also while one is being made."""
    known = versions.ask(lambda redis: redis.get(_VERSION))
    if known is None:
        now = time.time_ns()
        versions.ask(lambda redis: redis.set(_VERSION, now, nx=True))
        known = versions.ask(lambda redis: redis.get(_VERSION)) or str(now)
    return int(versions.settled(known))


def _flushed(session: Session, _context: Any) -> None:
    if any(isinstance(thing, SHOWN) for thing in (*session.new, *session.dirty, *session.deleted)):
        versions.touch(session, _VERSION)


def _executed(state: ORMExecuteState) -> None:
    if not state.is_select and state.bind_mapper is not None and issubclass(state.bind_mapper.class_, SHOWN):
        versions.touch(state.session, _VERSION)


event.listen(db.factory, "after_flush", _flushed)
event.listen(db.factory, "do_orm_execute", _executed)
