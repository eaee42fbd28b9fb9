"""The table of orders at the desk: very many, found by what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Text, cast, func, select

from mountify import db
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.core.paging import Page
from mountify.models.order import Order, OrderItem

PAGE_SIZE = 50
MOST_FOUND = 1000  # what is found by words; who finds as many says more
SHORTEST = 3  # letters from which parts of words are found


@dataclass(frozen=True)
class Filters:
    """`since` and `until` are days in the shop's time zone, both included."""

    status: OrderStatus | None = None
    words: str = ""
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Row:
    """An order in a list."""

    id: int
    number: str
    email: str
    name: str | None
    status: OrderStatus
    total: Money
    created_at: datetime
    parts: int

    @property
    def is_to_ship(self) -> bool:
        return self.status is OrderStatus.PAID


def list_orders(filters: Filters, page: int = 1, size: int = PAGE_SIZE, *, timezone: str = "UTC") -> Page[Row]:
    """List orders, newest first. Of what is found by words, the newest thousand."""
    conditions = _conditions(filters, timezone)
    newest = select(Order.id).where(*conditions).order_by(Order.created_at.desc(), Order.id.desc())
    skipped = (page - 1) * size
    if filters.words:
        found = db.session.scalars(newest.limit(MOST_FOUND)).all()
        total, ids = len(found), found[skipped : skipped + size]
    else:
        total = db.session.scalar(select(func.count()).select_from(Order).where(*conditions)) or 0
        ids = db.session.scalars(newest.limit(size).offset(skipped)).all()
    return Page(_read_rows(ids), total=total, number=page, size=size)


def list_newest(count: int) -> Sequence[Row]:
    """List the orders placed last, whatever became of them."""
    newest = select(Order.id).order_by(Order.created_at.desc(), Order.id.desc())
    return _read_rows(db.session.scalars(newest.limit(count)).all())


def count_by_status() -> dict[OrderStatus, int]:
    """Say how many orders are in each status that any is in."""
    rows = db.session.execute(select(Order.status, func.count()).group_by(Order.status))
    return {status: int(count) for status, count in rows}


def _conditions(filters: Filters, timezone: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.status is not None:
        conditions.append(Order.status == filters.status)
    if filters.since is not None:
        conditions.append(Order.created_at >= _begin_of(filters.since, timezone))
    if filters.until is not None:
        conditions.append(Order.created_at < _begin_of(filters.until + timedelta(days=1), timezone))
    if filters.words:
        conditions.append(_named(filters.words))
    return conditions


def _begin_of(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone))


def _named(words: str) -> ColumnElement[bool]:
    """By its number, or a part of whose it is or of what it is tracked by."""
    has_number = Order.number == words
    if len(words) < SHORTEST:
        return has_number
    texts = cast(Order.email, Text), Order.shipping_name, Order.tracking_number
    found = [text.icontains(words, autoescape=True) for text in texts]
    return has_number | found[0] | found[1] | found[2]


def _read_rows(ids: Sequence[int]) -> Sequence[Row]:
    if not ids:
        return []
    parts = select(func.coalesce(func.sum(OrderItem.quantity), 0)).where(OrderItem.order_id == Order.id)
    rows = db.session.execute(
        select(
            Order.id,
            Order.number,
            Order.email,
            Order.shipping_name,
            Order.status,
            Order.total,
            Order.created_at,
            parts.scalar_subquery(),
        )
        .where(Order.id.in_(ids))
        .order_by(Order.created_at.desc(), Order.id.desc())
    )
    return [Row(*row) for row in rows]
