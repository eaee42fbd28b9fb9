"""What the shop takes in: a period against the one before, by the days of the shop's time zone.

An order counts from its payment on, on the day it was paid, while it is paid, shipped or delivered; what was sent back
of it is taken off that day.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, ScalarSelect, cast, func, or_, select

from mountify import db
from mountify.core.money import ZERO, Money, rounded
from mountify.core.order_status import OrderStatus
from mountify.models.order import Order, OrderItem

TODAY, YEAR, USUAL = 1, 365, 30
PERIODS = (TODAY, 7, USUAL, 90, YEAR)  # days
_PAID = (OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.DELIVERED)


class Unit(StrEnum):
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True)
class Sums:
    revenue: Money = ZERO
    orders: int = 0
    items: int = 0
    average: Money = ZERO


@dataclass(frozen=True)
class Point:
    """What was paid in the hour, day or month that begins then; the hour is None where it is a day or a month."""

    day: date
    hour: int | None
    sums: Sums
    is_now: bool


@dataclass(frozen=True)
class Delta:
    """How much more or less a number is than it was; `percent` is None when it was nothing."""

    by: int
    percent: int | None
    is_up: bool
    is_down: bool


@dataclass(frozen=True)
class Figures:
    days: int
    unit: Unit
    sums: Sums
    before: Sums
    series: Sequence[Point]

    @property
    def revenue(self) -> Delta:
        return _delta(self.sums.revenue.amount, self.before.revenue.amount)

    @property
    def orders(self) -> Delta:
        return _delta(self.sums.orders, self.before.orders)

    @property
    def average(self) -> Delta:
        return _delta(self.sums.average.amount, self.before.average.amount)

    @property
    def items(self) -> Delta:
        return _delta(self.sums.items, self.before.items)


@dataclass(frozen=True)
class _Window:
    """A period and the one before it, up to the same hour of its last day; all in the shop's own time."""

    unit: Unit
    begin: datetime
    end: datetime
    before_begin: datetime
    before_end: datetime
    starts: Sequence[datetime]


def read(days: int, *, timezone: str, currency: str, now: datetime) -> Figures:
    """Add up one of PERIODS and the period before it."""
    zone = ZoneInfo(timezone)
    window = _window(days, now.astimezone(zone).replace(tzinfo=None))
    begin, before_begin, before_end = (
        moment.replace(tzinfo=zone) for moment in (window.begin, window.before_begin, window.before_end)
    )
    is_in, starts = Order.paid_at >= begin, func.date_trunc(window.unit.value, func.timezone(timezone, Order.paid_at))
    rows = db.session.execute(
        select(
            is_in.label("is_in"),
            starts.label("starts"),
            func.sum(Order.total - Order.refunded_total),
            func.count(),
            cast(func.sum(_count_of_parts()), Integer),
        )
        .where(
            Order.status.in_(_PAID),
            Order.currency == currency,
            Order.paid_at >= before_begin,
            Order.paid_at <= now,
            or_(is_in, Order.paid_at < before_end),
        )
        .group_by("is_in", "starts")
    ).all()
    mine = {row.starts: row[2:] for row in rows if row.is_in}
    series = [
        Point(
            start.date(),
            start.hour if window.unit is Unit.HOUR else None,
            _add_up([mine[start]] if start in mine else [], currency),
            is_now=start == _floor(window.end, window.unit),
        )
        for start in window.starts
    ]
    before = [row[2:] for row in rows if not row.is_in]
    return Figures(days, window.unit, _add_up(list(mine.values()), currency), _add_up(before, currency), series)


def _count_of_parts() -> ScalarSelect[int]:
    mine = select(func.coalesce(func.sum(OrderItem.quantity), 0)).where(OrderItem.order_id == Order.id)
    return mine.correlate(Order).scalar_subquery()


def _add_up(rows: Sequence[Any], currency: str) -> Sums:
    revenue, orders, items = Money.sum(row[0] for row in rows), sum(row[1] for row in rows), sum(row[2] for row in rows)
    return Sums(revenue, orders, items, _average(revenue, orders, currency))


def _average(revenue: Money, orders: int, currency: str) -> Money:
    """Rounded to what the currency has."""
    if orders == 0:
        return ZERO
    return rounded(revenue.amount / orders, currency)


def _delta(number: Decimal | int, before: Decimal | int) -> Delta:
    by = abs(Decimal(number) - Decimal(before))
    percent = int((by * 100 / before).to_integral_value(ROUND_HALF_UP)) if before else None
    return Delta(int(by), percent, is_up=number > before, is_down=number < before)


def _window(days: int, now: datetime) -> _Window:
    today = _floor(now, Unit.DAY)
    if days == YEAR:
        begin = _months_later(today.replace(day=1), -11)
        starts = [_months_later(begin, month) for month in range(12)]
        return _Window(Unit.MONTH, begin, now, _months_later(begin, -12), _months_later(now, -12), starts)
    begin, span = today - timedelta(days=days - 1), timedelta(days=days)
    if days == TODAY:
        starts = [begin + timedelta(hours=hour) for hour in range(24)]
        return _Window(Unit.HOUR, begin, now, begin - span, now - span, starts)
    starts = [begin + timedelta(days=day) for day in range(days)]
    return _Window(Unit.DAY, begin, now, begin - span, now - span, starts)


def _floor(moment: datetime, unit: Unit) -> datetime:
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return hour if unit is Unit.HOUR else hour.replace(hour=0, day=1 if unit is Unit.MONTH else hour.day)


def _months_later(moment: datetime, months: int) -> datetime:
    years, month = divmod(moment.month - 1 + months, 12)
    last = calendar.monthrange(moment.year + years, month + 1)[1]
    return moment.replace(year=moment.year + years, month=month + 1, day=min(moment.day, last))
