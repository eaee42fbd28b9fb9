"""Stock as its merchant keeps it: how much of everything there is, what holds it, and each change with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.errors import BelowReserved, NotFound, NothingOnHand, StockChanged
from mountify.core.paging import Page
from mountify.core.slugs import part_number
from mountify.models.account import User
from mountify.models.catalogue import Inventory, Product, ProductStatus, StockMovement, is_low
from mountify.models.order import Order, OrderItem
from mountify.services import audit_log
from mountify.services.audit_log import Actor
from mountify.services.product_table import matches
from mountify.transaction import transaction

PAGE_SIZE = 50
MOST_ON_HAND = 1_000_000
_COUNTED = "counted"


class Level(StrEnum):
    ALL = "all"
    LOW = "low"
    OUT = "out"


class Reason(StrEnum):
    """Why parts come or go by hand; what orders do has reasons of its own."""

    RECEIVED = "received"
    COUNTED = _COUNTED
    DAMAGED = "damaged"
    OTHER = "other"


@dataclass(frozen=True)
class Row:
    """A product and its stock."""

    id: int
    name: str
    image_url: str | None
    on_hand: int
    reserved: int
    low_stock_level: int
    updated_at: datetime

    @property
    def number(self) -> str:
        return part_number(self.id)

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    @property
    def is_low(self) -> bool:
        return is_low(self.available, self.low_stock_level)


@dataclass(frozen=True)
class Figures:
    """All stock in numbers."""

    on_hand: int
    reserved: int
    low: int
    out: int


@dataclass(frozen=True)
class Movement:
    """A line of the ledger; `actor` is empty for what orders and the shop's commands have done."""

    delta: int
    reason: str
    note: str
    order_id: int | None
    order_number: str | None
    actor: str
    created_at: datetime


@dataclass(frozen=True)
class Holder:
    """An order that waits for its payment, and how many it holds."""

    order_id: int
    number: str
    quantity: int
    until: datetime | None


_AVAILABLE = Inventory.on_hand - Inventory.reserved
_KEPT = Product.status.in_((ProductStatus.DRAFT, ProductStatus.PUBLISHED))
# The highest level of all bounds what is read of the index by what is left: the levels themselves are in another table.
_HIGHEST = select(func.max(Product.low_stock_level)).scalar_subquery()
_LOW = (_AVAILABLE > 0) & (_AVAILABLE <= _HIGHEST) & (Product.low_stock_level >= _AVAILABLE)
_OUT = _AVAILABLE <= 0


def list_rows(words: str = "", level: Level = Level.ALL, page: int = 1, size: int = PAGE_SIZE) -> Page[Row]:
    """List products with their stock by name: those that have the words, or the part number, and are at a level.

    Archived ones are left out.
    """
    conditions = [_KEPT, *([matches(words)] if words else []), *_at(level)]
    total = _count(*conditions) if level is not Level.ALL else _count_products(*conditions)
    rows = db.session.execute(
        _joined(*_COLUMNS).where(*conditions).order_by(Product.name, Product.id).limit(size).offset((page - 1) * size)
    )
    return Page([Row(*row) for row in rows], total=total, number=page, size=size)


def get_row(product_id: int) -> Row:
    """Get one of them. Raises NotFound."""
    row = db.session.execute(_joined(*_COLUMNS).where(Product.id == product_id)).one_or_none()
    if row is None:
        raise NotFound
    return Row(*row)


def add_up() -> Figures:
    """Add up all stock; the two sums alone look at every row."""
    on_hand, reserved = db.session.execute(
        select(func.coalesce(func.sum(Inventory.on_hand), 0), func.coalesce(func.sum(Inventory.reserved), 0))
    ).one()
    return Figures(int(on_hand), int(reserved), low=_count(_KEPT, _LOW), out=_count(_KEPT, _OUT))


def list_movements(product_id: int, page: int = 1, size: int = PAGE_SIZE) -> Page[Movement]:
    """List the ledger of a product, newest first."""
    mine = StockMovement.product_id == product_id
    rows = db.session.execute(
        select(
            StockMovement.delta,
            StockMovement.reason,
            StockMovement.note,
            StockMovement.order_id,
            Order.number,
            func.coalesce(func.nullif(User.name, ""), User.email, ""),
            StockMovement.created_at,
        )
        .outerjoin(Order, Order.id == StockMovement.order_id)
        .outerjoin(User, User.id == StockMovement.actor_id)
        .where(mine)
        .order_by(StockMovement.id.desc())
        .limit(size)
        .offset((page - 1) * size)
    )
    total = db.session.scalar(select(func.count()).select_from(StockMovement).where(mine)) or 0
    return Page([Movement(*row) for row in rows], total=total, number=page, size=size)


def list_holders(product_id: int, most: int = PAGE_SIZE) -> Sequence[Holder]:
    """List the orders that hold some of a product, those that end first before the others."""
    rows = db.session.execute(
        select(Order.id, Order.number, OrderItem.quantity, Order.reserved_until)
        .join(OrderItem, OrderItem.order_id == Order.id)
        .where(OrderItem.product_id == product_id, Order.inventory_reserved)
        .order_by(Order.reserved_until)
        .limit(most)
    )
    return [Holder(*row) for row in rows]


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
        product = session.get(Product, product_id, with_for_update=True, populate_existing=True)
        if product is None:
            raise NotFound
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


_COLUMNS = (
    Product.id,
    Product.name,
    Product.image_url,
    Inventory.on_hand,
    Inventory.reserved,
    Product.low_stock_level,
    Inventory.updated_at,
)


def _joined(*columns: Any) -> Select[Any]:
    return select(*columns).select_from(Product).join(Product.stock)


def _count(*conditions: ColumnElement[bool]) -> int:
    return db.session.scalar(_joined(func.count()).where(*conditions)) or 0


def _count_products(*conditions: ColumnElement[bool]) -> int:
    return db.session.scalar(select(func.count()).select_from(Product).where(*conditions)) or 0


def _at(level: Level) -> list[ColumnElement[bool]]:
    conditions: dict[Level, list[ColumnElement[bool]]] = {Level.LOW: [_LOW], Level.OUT: [_OUT]}
    return conditions.get(level, [])
