"""When what every shopper sees has last changed: a version in Redis, new after each commit that changed it.

Whoever keeps something in Redis keeps it with the version read before the database was, so that nothing made before a
change is taken for what is true after it.
"""

from __future__ import annotations

import time
from typing import Any

import structlog
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session

from mountify import db, store
from mountify.models.account import Setting
from mountify.models.base import Base
from mountify.models.catalogue import Category, Inventory, Product, ProductImage, ProductSlug
from mountify.store import StoreDown

log = structlog.get_logger()

SHOWN: tuple[type[Base], ...] = (Category, Inventory, Product, ProductImage, ProductSlug, Setting)
_VERSION = "catalogue:version"
_CHANGED = "mountify.shown_has_changed"


def read() -> int:
    """Give the version: nanoseconds since 1970 of the last change. Raises StoreDown."""
    known = store.ask(lambda redis: redis.get(_VERSION))
    if known is None:
        now = time.time_ns()
        store.ask(lambda redis: redis.set(_VERSION, now, nx=True))
        known = store.ask(lambda redis: redis.get(_VERSION)) or now
    return int(known)


def _flushed(session: Session, _context: Any) -> None:
    if any(isinstance(thing, SHOWN) for thing in (*session.new, *session.dirty, *session.deleted)):
        session.info[_CHANGED] = True


def _executed(state: ORMExecuteState) -> None:
    if not state.is_select and state.bind_mapper is not None and issubclass(state.bind_mapper.class_, SHOWN):
        state.session.info[_CHANGED] = True


def _committed(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint: nobody else sees the change before the transaction around it is over
    if not session.info.pop(_CHANGED, False):
        return
    now = time.time_ns()
    try:
        store.ask(lambda redis: redis.set(_VERSION, now))
    except StoreDown:
        log.warning("cache_not_told")


def _rolled_back(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint: what was touched outside of it is still to be committed
    session.info.pop(_CHANGED, None)


event.listen(db.factory, "after_flush", _flushed)
event.listen(db.factory, "do_orm_execute", _executed)
event.listen(db.factory, "after_commit", _committed)
event.listen(db.factory, "after_rollback", _rolled_back)
