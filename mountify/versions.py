"""Versions in Redis of what lies in PostgreSQL: what is made from it is kept with the version read before it was made.

A version is a moment, in nanoseconds since 1970, and new after each commit that touched what it stands for. While the
commit runs it lies in the future, and nobody keeps or takes anything; so a process that dies between its commit and
the new version leaves behind a moment that passes. What Redis could not be told is owed: this process takes nothing
from Redis before it is paid, and a timer pays.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from redis import Redis
from sqlalchemy import event
from sqlalchemy.orm import Session

from mountify import db, store
from mountify.store import Store, StoreDown

log = structlog.get_logger()

CHANGING_NS = 15 * 10**9  # longer than a commit takes
_TOUCHED, _ANNOUNCED = "mountify.touched_versions", "mountify.announced_versions"


class Changing(StoreDown):
    """It is being changed at this moment."""


@dataclass(frozen=True)
class _Debt:
    """A version that `store` has not heard of; after `lasts_s` nothing is left that it could tell apart."""

    store: Store
    lasts_s: int | None
    since: float

    @property
    def is_forgiven(self) -> bool:
        outlived = self.lasts_s is not None and time.monotonic() - self.since > self.lasts_s
        return outlived or self.store is not store.shared()


_owed: dict[str, _Debt] = {}
_lock = threading.Lock()
_collectors: list[threading.Timer] = []


def touch(session: Session, key: str, *, lasts_s: int | None = None) -> None:
    """Give a version a new value with the commit of the session's transaction; it is forgotten after `lasts_s`."""
    session.info.setdefault(_TOUCHED, {})[key] = lasts_s


def ask(question: Callable[[Redis], Any]) -> Any:
    """Ask Redis for versions and what is kept with them, once it knows every change. Raises StoreDown."""
    _pay()
    return store.ask(question)


def settled(version: str) -> str:
    """Give a version back. Raises Changing while what it stands for is being changed."""
    if int(version) > time.time_ns():
        raise Changing
    return version


def _announce(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint: nobody else sees the change before the transaction around it is over
    session.flush()  # what is not flushed yet is not known to be touched
    touched = session.info.get(_TOUCHED)
    if touched:
        session.info[_ANNOUNCED] = True
        with suppress(StoreDown):
            store.ask(lambda redis: _write(redis, touched, time.time_ns() + CHANGING_NS))


def _committed(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info.pop(_ANNOUNCED, None)
        _tell(session.info.pop(_TOUCHED, {}))


def _rolled_back(session: Session) -> None:
    if session.in_nested_transaction():
        return  # what was touched outside of the savepoint is still to be committed
    touched = session.info.pop(_TOUCHED, {})
    if session.info.pop(_ANNOUNCED, False):
        _tell(touched)


def _tell(touched: Mapping[str, int | None]) -> None:
    if not touched:
        return
    try:
        store.ask(lambda redis: _write(redis, touched, time.time_ns()), urgent=True)
    except StoreDown:
        _owe(touched)


def _write(redis: Redis, touched: Mapping[str, int | None], version: int) -> None:
    with redis.pipeline(transaction=False) as pipeline:
        for key, lasts_s in touched.items():
            pipeline.set(key, version, ex=lasts_s)
        pipeline.execute()


def _owe(touched: Mapping[str, int | None]) -> None:
    creditor = store.shared()
    if creditor is None:
        return
    log.warning("change_not_told", versions=len(touched))
    with _lock:
        _owed.update({key: _Debt(creditor, lasts_s, time.monotonic()) for key, lasts_s in touched.items()})
    _collect_later()


def _pay() -> None:
    """Tell Redis what it has not heard. Raises StoreDown."""
    if not _owed:
        return
    with _lock:
        for key in [key for key, debt in _owed.items() if debt.is_forgiven]:
            del _owed[key]
        owed = dict(_owed)
    if owed:
        store.ask(lambda redis: _write(redis, {key: debt.lasts_s for key, debt in owed.items()}, time.time_ns()))
        log.info("change_told", versions=len(owed))
    with _lock:
        for key, debt in owed.items():
            if _owed.get(key) is debt:  # else it was touched again meanwhile
                del _owed[key]


def _collect_later() -> None:
    with _lock:
        if not _collectors:
            _collectors.append(threading.Timer(store.BREAK_S, _collect))
            _collectors[0].daemon = True
            _collectors[0].start()


def _collect() -> None:
    with _lock:
        _collectors.clear()
    try:
        _pay()
    except StoreDown:
        _collect_later()


event.listen(db.factory, "before_commit", _announce)
event.listen(db.factory, "after_commit", _committed)
event.listen(db.factory, "after_rollback", _rolled_back)
