"""How many parts a cart holds, remembered in Redis: the badge on every page asks PostgreSQL only after a change.

Whoever changes a cart locks it first, and that lock is the touch. What was counted is kept with the cart's version
(see versions.py) from before counting.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from sqlalchemy.orm import Session

from mountify import versions
from mountify.store import StoreDown

KEPT_S = 600
VERSION_S = 2 * KEPT_S  # a version outlives every number that was counted before it


def read(cart: str, count: Callable[[], int]) -> int:
    """Give the number of parts in a cart (named by Cart.key), counting when it is not known."""
    try:
        version, kept = versions.ask(lambda redis: redis.mget(_version(cart), _count(cart)))
        version = versions.settled(version or "0")
    except StoreDown:
        return count()
    counted_at, _colon, known = (kept or "").partition(":")
    if known and counted_at == version:
        return int(known)
    number = count()
    with suppress(StoreDown):
        versions.ask(lambda redis: redis.set(_count(cart), f"{version}:{number}", ex=KEPT_S))
    return number


def touch(session: Session, cart: str) -> None:
    """Forget the number of a cart once the session's transaction is committed."""
    versions.touch(session, _version(cart), lasts_s=VERSION_S)


def _count(cart: str) -> str:
    return f"cart-count:{{{cart}}}"  # in braces what keeps both keys on one server of a Redis Cluster


def _version(cart: str) -> str:
    return f"cart-version:{{{cart}}}"
