"""Many products changed at once: what the pages of the desk cannot show."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.catalogue import AlreadyUndone, PricesOutOfReach
from mountify.core.money import Money, rounded
from mountify.services import product_bulk, product_changes, product_table
from mountify.services.product_bulk import Reprice
from tests.desk import log_of, somebody
from tests.factories import make_product, make_shop


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def change(ids: list[int], reprice: Reprice, currency: str = "USD") -> int | None:
    return product_bulk.change_prices(somebody(), ids, reprice, currency=currency, now=utcnow())


def undo(change_id: int) -> tuple[int, list[str]]:
    count, left = product_bulk.undo(somebody(), change_id, currency="USD", now=utcnow())
    return count, list(left)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1.005", "USD", "1.01"),
        ("1.0049", "USD", "1.00"),
        ("1234.5", "JPY", "1235.00"),
        ("99.5", "ISK", "100.00"),
        ("1.2345", "KWD", "1.23"),
        ("-0.005", "USD", "-0.01"),
    ],
)
def test_amounts_are_rounded_half_up_to_what_a_currency_knows(amount: str, currency: str, text: str) -> None:
    assert str(rounded(Decimal(amount), currency)) == text


def test_prices_in_yen_stay_whole() -> None:
    product = make_product(price="1010.00", currency="JPY")
    change([product.id], product_bulk.by_percent(Decimal(5), "JPY"), "JPY")
    assert product_table.get_row(product.id).price == Money.of("1061.00")  # 1060.5


def test_a_product_that_is_named_twice_is_changed_once() -> None:
    product = make_product(price="10.00")
    change([product.id, product.id], product_bulk.by_amount(Decimal(1), "USD"))
    assert product_table.get_row(product.id).price == Money.of("11.00") and len(log_of("products")) == 1


def test_of_many_that_cannot_be_five_are_named() -> None:
    ids = [make_product(f"Hook {number}", price="1.00").id for number in range(7)]
    with pytest.raises(PricesOutOfReach) as refused:
        change(ids, product_bulk.by_amount(Decimal(-1), "USD"))
    assert str(refused.value).endswith("Hook 4 (0.00), + 2")


def test_an_older_change_can_be_undone_after_a_newer_one() -> None:
    first, second = make_product(price="10.00").id, make_product("Bar", price="20.00").id
    older = change([first, second], product_bulk.by_amount(Decimal(1), "USD"))
    newer = change([second], product_bulk.by_amount(Decimal(1), "USD"))
    assert older and newer
    assert undo(older) == (1, ["Bar"])
    assert undo(newer) == (1, [])
    for change_id, error in ((older, AlreadyUndone), (newer, AlreadyUndone), (999_999, NotFound)):
        with pytest.raises(error):
            undo(change_id)


def test_what_is_so_already_is_no_change() -> None:
    product = make_product(price="10.00")
    assert change([product.id], product_bulk.by_percent(Decimal("0.01"), "USD")) is None
    assert product_bulk.find_last() is None and log_of("products") == []


def test_a_price_of_before_that_the_new_currency_does_not_know_stays_away() -> None:
    product = make_product(price="10.50")
    change_id = change([product.id], product_bulk.by_amount(Decimal("0.50"), "USD"))
    assert change_id
    with pytest.raises(product_changes.BadPrice):
        product_bulk.undo(somebody(), change_id, currency="JPY", now=utcnow())
    assert product_table.get_row(product.id).price == Money.of("11.00")
