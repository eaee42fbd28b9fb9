"""Stock changed by hand: each change guarded, in the ledger and in the log, or not made at all."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.catalogue import BelowReserved, NothingOnHand, StockChanged
from mountify.models.catalogue import Product, ProductStatus, StockMovement
from mountify.services import stock_changes, stock_table
from mountify.services.stock_changes import Reason
from mountify.services.stock_table import Level
from tests.buyers import Buyer
from tests.desk import log_of, somebody
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def set_to(product: Product, wanted: int, expected: int | None = None) -> int:
    return stock_changes.set_on_hand(somebody(), product.id, wanted, expected=expected, now=utcnow()).on_hand


def adjust(product: Product, delta: int) -> int:
    return stock_changes.adjust(
        somebody(), product.id, delta, reason=Reason.RECEIVED, note="Box 7", now=utcnow()
    ).on_hand


def ledger() -> list[tuple[int, str, str]]:
    rows = db.session.execute(select(StockMovement).order_by(StockMovement.id)).scalars()
    return [(row.delta, row.reason, row.note) for row in rows]


def test_what_was_counted_and_what_came_are_in_the_ledger_and_in_the_log() -> None:
    product = make_product(stock=5)
    assert set_to(product, 7, expected=5) == 7 and adjust(product, -3) == 4
    assert ledger() == [(5, "opening", ""), (2, "counted", ""), (-3, "received", "Box 7")]
    assert log_of("inventory") == [("stock.changed", {"on_hand": [5, 7]}), ("stock.changed", {"on_hand": [7, 4]})]


def test_what_is_so_already_is_no_movement() -> None:
    assert set_to(make_product(stock=5), 5) == 5 and len(ledger()) == 1 and log_of("inventory") == []


def test_somebody_else_was_faster() -> None:
    product = make_product(stock=5)
    set_to(product, 3)
    with pytest.raises(StockChanged) as refused:
        set_to(product, 9, expected=5)
    assert refused.value.facts == {"expected": 5, "onHand": 3}
    assert stock_table.get_row(product.id).on_hand == 3


def test_nobody_takes_away_what_a_checkout_holds(payments: FakePayments) -> None:
    product, buyer = make_product(stock=5), Buyer(payments)
    buyer.add(product, 2)
    buyer.start()
    for change in (lambda: set_to(product, 1), lambda: adjust(product, -4)):
        with pytest.raises(BelowReserved):
            change()
    (holder,) = stock_table.list_holders(product.id)
    assert (holder.quantity, stock_table.get_row(product.id).reserved) == (2, 2)
    assert set_to(product, 2) == 2


@pytest.mark.parametrize("delta", [-6, 1_000_000])
def test_there_is_never_less_than_nothing_nor_more_than_anybody_counts(delta: int) -> None:
    with pytest.raises(NothingOnHand):
        adjust(make_product(stock=5), delta)
    assert len(ledger()) == 1


def test_what_is_not_there_has_no_stock() -> None:
    somebody()
    for change in (
        lambda: stock_table.get_row(999),
        lambda: stock_changes.set_on_hand(somebody(), 999, 1, now=utcnow()),
        lambda: stock_changes.adjust(somebody(), 999, 1, reason=Reason.OTHER, now=utcnow()),
        lambda: stock_changes.set_low_level(somebody(), 999, 1, now=utcnow()),
    ):
        with pytest.raises(NotFound):
            change()


def test_rows_are_found_by_name_number_and_level() -> None:
    low, out, plenty = make_product("Low 10%", stock=2), make_product("Out", stock=0), make_product("Plenty", stock=50)
    gone = make_product("Gone", stock=0, status=ProductStatus.ARCHIVED)
    everything = [row.id for row in stock_table.list_rows().items]
    assert everything == [low.id, out.id, plenty.id] and gone.id not in everything
    for words, level, found in (
        ("10%", Level.ALL, [low.id]),
        ("%", Level.ALL, []),
        ("PLEN", Level.ALL, [plenty.id]),
        (plenty.number, Level.ALL, [plenty.id]),
        (str(out.id), Level.ALL, [out.id]),
        (str(2**80), Level.ALL, []),
        ("", Level.LOW, [low.id]),
        ("", Level.OUT, [out.id]),
        ("plenty", Level.OUT, []),
    ):
        assert [row.id for row in stock_table.list_rows(words, level).items] == found, (words, level)
    numbers = stock_table.add_up()
    assert (numbers.on_hand, numbers.reserved, numbers.low, numbers.out) == (52, 0, 1, 1)


def test_the_level_that_counts_as_low_is_set_and_written_down() -> None:
    product = make_product(stock=9)
    stock_changes.set_low_level(somebody(), product.id, 9, now=utcnow())
    assert stock_table.get_row(product.id).is_low
    assert log_of("inventory") == [("stock.level_set", {"low_stock_level": [4, 9]})]
