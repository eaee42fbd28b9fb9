"""How many parts a cart holds, remembered in Redis: the badge on every page asks PostgreSQL only after a change.

Whoever changes a cart locks it first, and that lock is the touch. What was counted is kept with the version read before
counting, so that a number counted before a change is never taken for what is true after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import structlog
from sqlalchemy import event
from sqlalchemy.orm import Session

from mountify import db, store
from mountify.store import StoreDown

log = structlog.get_logger()

KEPT_S = 600
VERSION_S = 2 * KEPT_S  # a version outlives every number that was counted before it
_TOUCHED = "mountify.touched_carts"


def read(cart: str, count: Callable[[], int]) -> int:
    """Give the number of parts in a cart (named by Cart.key), counting when it is not known."""
    try:
        version, kept = store.ask(lambda redis: redis.mget(_version(cart), _count(cart)))
    except StoreDown:
        return count()
    counted_at, _colon, known = (kept or "").partition(":")
    if known and counted_at == (version or ""):
        return int(known)
    number = count()
    with suppress(StoreDown):
        store.ask(lambda redis: redis.set(_count(cart), f"{version or ''}:{number}", ex=KEPT_S))
    return number


def touch(session: Session, cart: str) -> None:
    """Forget the number of a cart once the session's transaction is committed."""
    session.info.setdefault(_TOUCHED, set()).add(cart)


def _committed(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint: nobody else sees the change before the transaction around it is over
    touched: set[str] = session.info.pop(_TOUCHED, set())
    for cart in touched:
        _renew(cart)


def _renew(cart: str) -> None:
    try:
        store.ask(lambda redis: redis.set(_version(cart), time.time_ns(), ex=VERSION_S))
    except StoreDown:
        log.warning("cart_count_not_told")


def _rolled_back(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint: what was touched outside of it is still to be committed
    session.info.pop(_TOUCHED, None)


def _count(cart: str) -> str:
    return f"cart-count:{{{cart}}}"  # in braces what keeps both keys on one server of a Redis Cluster


def _version(cart: str) -> str:
    return f"cart-version:{{{cart}}}"


event.listen(db.factory, "after_commit", _committed)
event.listen(db.factory, "after_rollback", _rolled_back)
