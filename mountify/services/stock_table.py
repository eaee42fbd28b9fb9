"""Stock as its merchant sees it: how much of everything there is, what holds it, and how it came to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from mountify import db
from mountify.core.errors import NotFound
from mountify.core.paging import Page
from mountify.core.slugs import part_number
from mountify.models.account import User
from mountify.models.catalogue import Inventory, Product, ProductStatus, StockMovement, is_low
from mountify.models.order import Order, OrderItem
from mountify.services.product_table import matches

PAGE_SIZE = 50


class Level(StrEnum):
    ALL = "all"
    LOW = "low"
    OUT = "out"


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


def list_lowest(count: int) -> Sequence[Row]:
    """List the parts in the shop that run out first, of those that are low."""
    rows = _joined(*_COLUMNS).where(_LOW, Product.status == ProductStatus.PUBLISHED)
    return [Row(*row) for row in db.session.execute(rows.order_by(_AVAILABLE, Inventory.sku_id).limit(count))]


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
