"""Stock as its merchant changes it: each change guarded, with its reason, in the ledger and in the log."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from mountify.core.errors import NotFound
from mountify.core.errors.catalogue import BelowReserved, NothingOnHand, StockChanged
from mountify.models.catalogue import Inventory, StockMovement
from mountify.services import audit_log, product_changes
from mountify.services.audit_log import Actor
from mountify.services.stock_table import Row, get_row
from mountify.transaction import transaction

MOST_ON_HAND = 1_000_000


class Reason(StrEnum):
    """Why parts come or go by hand; what orders do has reasons of its own."""

    RECEIVED = "received"
    COUNTED = "counted"
    DAMAGED = "damaged"
    OTHER = "other"


def set_on_hand(by: Actor, product_id: int, wanted: int, *, expected: int | None = None, now: datetime) -> Row:
    """Set what is on hand to what was counted, where it still is what `expected` says.

    Raises NotFound, StockChanged, BelowReserved; then nothing has changed.
    """
    with transaction() as session:
        stock = _lock(session, product_id)
        if expected is not None and stock.on_hand != expected:
            raise StockChanged(seen=expected, found=stock.on_hand)
        _move(session, by, stock, wanted - stock.on_hand, Reason.COUNTED, "", now)
    return get_row(product_id)


def adjust(
    by: Actor, product_id: int, delta: int, *, reason: Reason, note: str = "", key: str | None = None, now: datetime
) -> Row:
    """Put parts on the shelf, or take some off; with a key that was used before nothing happens once more.

    Raises NotFound, NothingOnHand or BelowReserved.
    """
    with transaction() as session:
        stock = _lock(session, product_id)
        if key is None or not session.scalar(select(exists().where(StockMovement.key == key))):
            _move(session, by, stock, delta, reason, note, now, key)
    return get_row(product_id)


def set_low_level(by: Actor, product_id: int, level: int, *, now: datetime) -> None:
    """Say from how many on a product counts as low. Raises NotFound."""
    with transaction() as session:
        product = product_changes.lock(session, product_id)
        if product.low_stock_level != level:
            changes = {"low_stock_level": (product.low_stock_level, level)}
            audit_log.record(session, by, "stock.level_set", (Inventory.__tablename__, product_id), now=now, **changes)
            product.low_stock_level = level


def _move(
    session: Session,
    by: Actor,
    stock: Inventory,
    delta: int,
    reason: Reason,
    note: str,
    now: datetime,
    key: str | None = None,
) -> None:
    wanted = stock.on_hand + delta
    if not 0 <= wanted <= MOST_ON_HAND:
        raise NothingOnHand(on_hand=stock.on_hand, most=MOST_ON_HAND)
    if wanted < stock.reserved:
        raise BelowReserved(reserved=stock.reserved)
    if delta == 0:
        return
    with audit_log.watching(session, by, "stock.changed", stock, now=now):
        stock.on_hand = wanted
    session.add(
        StockMovement(
            product_id=stock.sku_id, delta=delta, reason=reason, note=note, actor_id=by.id, key=key, created_at=now
        )
    )


def _lock(session: Session, product_id: int) -> Inventory:
    stock = session.get(Inventory, product_id, with_for_update=True, populate_existing=True)
    if stock is None:
        raise NotFound
    return stock
