"""What the shop takes in, by hand: which orders count, on which day, and against what."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from mountify import db
from mountify.core.money import ZERO, Money
from mountify.core.order_status import OrderStatus
from mountify.models.catalogue import ProductStatus
from mountify.services import order_table, shipping, stats, stock_table
from mountify.services.stats import PERIODS, Figures
from tests.buyers import Buyer
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments

NOW = datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
Buy = Any


@pytest.fixture
def buy(database: None, payments: FakePayments) -> Buy:
    """Place and pay an order at a moment, then let it be what the test wants it to be."""
    make_shop()
    part = make_product(price="10.00", stock=99)

    def buy(at: datetime, quantity: int = 1, **columns: object) -> int:
        buyer = Buyer(payments)
        buyer.add(part, quantity)
        order_id = buyer.buy().order_id
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        db.session.execute(
            text(f"UPDATE orders SET paid_at = :at{', ' + sets if sets else ''} WHERE id = :id"),
            {"at": at, "id": order_id, **columns},
        )
        db.session.commit()
        return order_id

    return buy


def figures(days: int = 30, timezone: str = "UTC", now: datetime = NOW, currency: str = "USD") -> Figures:
    return stats.read(days, timezone=timezone, currency=currency, now=now)


def by_day(found: Figures) -> dict[date, tuple[str, int]]:
    return {point.day: (str(point.sums.revenue), point.sums.orders) for point in found.series if point.sums.orders}


@pytest.mark.parametrize(("days", "points"), [(1, 24), (7, 7), (30, 30), (90, 90), (365, 12)])
def test_an_empty_shop_has_zeros_in_every_period(database: None, days: int, points: int) -> None:
    found = figures(days)
    assert found.sums == found.before == stats.Sums()
    assert len(found.series) == points and [point.is_now for point in found.series].count(True) == 1
    assert {point.sums.revenue for point in found.series} == {ZERO}
    assert (found.revenue.percent, found.orders.by, found.revenue.is_up, found.revenue.is_down) == (
        None, 0, False, False,
    )  # fmt: skip
    assert days in PERIODS


def test_a_period_is_added_up_and_held_against_the_one_before(buy: Buy) -> None:
    buy(NOW, 3)  # 30.00 and 4.50 to ship it
    buy(NOW - timedelta(days=6), 1)  # 14.50
    buy(NOW - timedelta(days=8), 2)  # 24.50
    found = figures(7)
    assert found.sums == stats.Sums(Money.of("49.00"), 2, 4, Money.of("24.50"))
    assert found.before == stats.Sums(Money.of("24.50"), 1, 2, Money.of("24.50"))
    assert by_day(found) == {date(2026, 3, 31): ("34.50", 1), date(2026, 3, 25): ("14.50", 1)}
    assert (found.revenue.percent, found.revenue.is_up, found.orders.by, found.items.by) == (100, True, 1, 2)
    assert not found.average.is_up and not found.average.is_down


def test_only_what_is_paid_shipped_or_delivered_counts(buy: Buy) -> None:
    for status in ("shipped", "delivered", "refunded", "cancelled", "expired"):
        buy(NOW, status=status)
    buy(NOW)
    assert figures().sums.orders == 3
    db.session.execute(text("UPDATE orders SET status = 'paid'"))  # as the books have it
    db.session.commit()


def test_what_was_sent_back_is_taken_off_the_day_it_was_paid(buy: Buy) -> None:
    buy(NOW - timedelta(days=2), 2, refunded_total=10)
    assert by_day(figures()) == {date(2026, 3, 29): ("14.50", 1)}
    db.session.execute(text("UPDATE orders SET refunded_total = 0"))
    db.session.commit()


def test_a_day_begins_at_midnight_in_the_shop(buy: Buy) -> None:
    late = datetime(2026, 3, 31, 4, 30, tzinfo=UTC)
    buy(late)
    buy(late - timedelta(hours=1))
    assert by_day(figures(7)) == {date(2026, 3, 31): ("29.00", 2)}
    in_new_york = by_day(figures(7, "America/New_York"))  # four hours behind
    assert in_new_york == {date(2026, 3, 31): ("14.50", 1), date(2026, 3, 30): ("14.50", 1)}
    assert figures(1, "America/New_York").sums.orders == 1


def test_a_day_of_23_hours_is_a_day(buy: Buy) -> None:
    """In Berlin the clocks went from 2:00 to 3:00 on 29 March 2026."""
    now = datetime(2026, 3, 29, 21, 59, tzinfo=UTC)  # 23:59
    buy(datetime(2026, 3, 28, 23, 0, tzinfo=UTC))  # midnight
    buy(now)
    found = figures(1, "Europe/Berlin", now)
    assert [(point.hour, point.is_now) for point in found.series if point.sums.orders] == [(0, False), (23, True)]
    assert figures(1, "Europe/Berlin", now + timedelta(minutes=1)).sums.orders == 0


def test_today_is_held_against_yesterday_up_to_the_same_hour(buy: Buy) -> None:
    buy(NOW - timedelta(days=1, minutes=1))
    buy(NOW - timedelta(days=1) + timedelta(minutes=1))
    found = figures(1)
    assert (found.sums.orders, found.before.orders) == (0, 1)
    assert found.revenue.is_down and found.revenue.percent == 100


def test_a_year_is_twelve_months_against_the_same_months_before(buy: Buy) -> None:
    buy(datetime(2025, 4, 1, tzinfo=UTC))
    buy(datetime(2025, 3, 31, 15, 29, tzinfo=UTC))
    buy(datetime(2024, 3, 31, tzinfo=UTC))
    found = figures(365)
    assert (found.sums.orders, found.before.orders) == (1, 1)
    assert [point.day for point in found.series][:2] == [date(2025, 4, 1), date(2025, 5, 1)]
    assert found.series[0].sums.orders == 1 and found.series[-1].is_now
    assert figures(365, now=datetime(2028, 2, 29, 12, tzinfo=UTC)).sums.orders == 0


def test_orders_in_another_currency_are_not_added_to_it(buy: Buy) -> None:
    buy(NOW)
    assert figures(currency="EUR").sums.orders == 0


def test_an_average_is_rounded_to_what_the_currency_has(buy: Buy) -> None:
    for quantity in (1, 1, 2):
        buy(NOW, quantity)
    assert figures().sums.average == Money.of("17.83")  # 53.50 by three
    db.session.execute(text("UPDATE orders SET currency = 'JPY'"))
    assert figures(currency="JPY").sums.average == Money.of("18.00")
    db.session.execute(text("UPDATE orders SET currency = 'USD'"))
    db.session.commit()


def test_what_runs_out_first_is_listed_first(database: None) -> None:
    for name, stock in (("Two", 2), ("Four", 4), ("Five", 5), ("None", 0), ("One", 1)):
        make_product(name, stock=stock)
    make_product("Draft", stock=1, status=ProductStatus.DRAFT)
    assert [(part.name, part.available) for part in stock_table.list_lowest(5)] == [("One", 1), ("Two", 2), ("Four", 4)]


def test_recent_orders_are_the_last_five_with_their_parts(buy: Buy) -> None:
    placed = [buy(NOW, quantity) for quantity in (1, 2, 3, 4, 5, 6)]
    recent = order_table.list_newest(5)
    assert [order.id for order in recent] == placed[:0:-1] and [order.parts for order in recent] == [6, 5, 4, 3, 2]
    assert recent[0].status is OrderStatus.PAID


def test_what_is_to_ship_says_since_when(buy: Buy) -> None:
    assert (shipping.count_to_ship(), shipping.find_oldest_to_ship()) == (0, None)
    buy(NOW)
    buy(NOW - timedelta(hours=26))
    assert (shipping.count_to_ship(), shipping.find_oldest_to_ship()) == (2, NOW - timedelta(hours=26))
