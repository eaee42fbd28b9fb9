"""Many products changed at once at the desk, and their prices put back."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.models.catalogue import ProductStatus
from mountify.services import product_changes, product_table
from tests.desk import Desk, log_of, somebody
from tests.factories import make_category, make_product
from tests.web import field, words

PAGE = "/admin/products"


def two(first: str = "10.00", second: str = "0.99") -> list[int]:
    return [make_product("Bow Hook", price=first).id, make_product("Bar", price=second).id]


def prices(ids: list[int]) -> list[str]:
    return [str(product_table.get_row(product_id).price) for product_id in ids]


def reprice(ada: Desk, ids: list[int], by: str, unit: str = "percent", query: str = "") -> Any:
    return ada.do(f"{PAGE}/prices{query}", product=ids, by=by, unit=unit)


def undo_of(ada: Desk, page: str = PAGE) -> str:
    """Where the button for putting prices back leads."""
    found = re.search(rf'action="({PAGE}/prices/\d+/undo[^"]*)"', ada.get(page).text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("by", "unit", "after"),
    [
        ("5", "percent", ["10.50", "1.04"]),  # 1.0395
        ("+2.5", "percent", ["10.25", "1.01"]),  # 1.01475
        ("-50", "percent", ["5.00", "0.50"]),  # 0.495
        ("-0.50", "amount", ["9.50", "0.49"]),
        ("100000", "amount", ["100010.00", "100000.99"]),
    ],
)
def test_prices_change_together_rounded_half_up(ada: Desk, by: str, unit: str, after: list[str]) -> None:
    ids = two()
    other = make_product(price="3.00").id
    answer = reprice(ada, ids, by, unit, "?sort=name")
    assert answer.status_code == 303 and answer.headers["Location"].startswith(f"{PAGE}?sort=name&changed=")
    assert prices(ids) == after and prices([other]) == ["3.00"]
    assert [(action, changes["price"][1]) for action, changes in log_of("products")] == [
        ("product.changed", price) for price in after
    ]


def test_a_form_that_is_sent_twice_changes_prices_once(ada: Desk) -> None:
    ids = two()
    key = field(ada.get(PAGE), "key")
    answers = [ada.do(f"{PAGE}/prices", product=ids, by="10", unit="percent", key=key) for _click in range(2)]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    assert prices(ids) == ["11.00", "1.09"]
    ada.do(undo_of(ada))
    assert prices(ids) == ["10.00", "0.99"]


def test_the_answer_has_a_button_that_puts_the_prices_back(ada: Desk) -> None:
    ids = two()
    answer = reprice(ada, ids, "10")
    page = ada.get(answer.headers["Location"])
    assert "2 prices were changed on" in words(page) and 'class="flash ok"' in page.text
    undo = undo_of(ada)  # it is there after a reload too, wherever one has been meanwhile
    assert ada.do(undo).status_code == 303
    assert prices(ids) == ["10.00", "0.99"]
    assert "2 prices are back." in words(ada.get(PAGE))
    assert "/undo" not in ada.get(PAGE).text and len(log_of("products")) == 4
    ada.do(undo)
    assert "put back already" in words(ada.get(PAGE)) and len(log_of("products")) == 4


def test_what_was_changed_since_is_named_and_left(ada: Desk) -> None:
    ids = two()
    reprice(ada, ids, "1", "amount")
    undo = undo_of(ada)
    product_changes.change(somebody("stan"), ids[1], {"price": Money.of("7.00")}, currency="USD", now=utcnow())
    gone = make_product()
    product_changes.delete(somebody("stan"), gone.id, now=utcnow())
    ada.do(undo)
    assert prices(ids) == ["10.00", "7.00"]
    assert "1 price is back. Changed since, so left as they are: Bar." in words(ada.get(PAGE))


def test_what_has_been_deleted_since_stays_away(ada: Desk) -> None:
    ids = two()
    reprice(ada, ids, "1", "amount")
    product_changes.delete(somebody("stan"), ids[0], now=utcnow())
    ada.do(undo_of(ada))
    assert prices(ids[1:]) == ["0.99"] and "1 price is back." in words(ada.get(PAGE))


def test_one_price_that_cannot_be_stops_them_all(ada: Desk) -> None:
    ids = two()
    for by, unit, named in (("-1", "amount", "Bar (-0.01)"), ("-100", "percent", "Bow Hook (0.00), Bar (0.00)")):
        answer = reprice(ada, ids, by, unit)
        assert answer.status_code == 409 and "Nothing is changed" in words(answer) and named in words(answer)
        assert answer.text.count(" checked>") == 2 and f'value="{by}"' in answer.text
    assert reprice(ada, [make_product(price="999999.99").id], "0.01", "amount").status_code == 409
    assert prices(ids) == ["10.00", "0.99"] and log_of("products") == []


def test_too_little_to_change_anything_is_said(ada: Desk) -> None:
    ids = two()
    reprice(ada, ids, "0.01")
    assert "too little" in words(ada.get(PAGE)) and "/undo" not in ada.get(PAGE).text


@pytest.mark.parametrize(
    "by", ["", "0", "0.00", "1.299,00", "1e3", "12.345", "９.００", "--5", "5%", "a\x00b", "1234567"]
)
def test_nonsense_is_said_beside_its_field_and_the_choice_kept(ada: Desk, by: str) -> None:
    ids = two()
    answer = reprice(ada, ids, by)
    assert answer.status_code == 422 and "Write it as 5 or -2.50" in words(answer)
    assert answer.text.count(" checked>") == 2 and "<details" in answer.text and prices(ids) == ["10.00", "0.99"]


@pytest.mark.parametrize(
    ("part", "values"), [("prices", {"by": "5", "unit": "percent"}), ("category", {"category": "0"})]
)
def test_somebody_who_has_chosen_nothing_is_told(ada: Desk, part: str, values: dict[str, str]) -> None:
    for product in ([], ["x"], ["-1"], ["9" * 30], list(range(1, 1002))):
        answer = ada.do(f"{PAGE}/{part}", product=product, **values)
        assert answer.status_code == 422 and "Choose at " in words(answer)
    missing = ada.do(f"{PAGE}/{part}", product=[two()[0], 999_999], **values)
    assert missing.status_code == 404 and log_of("products") == []


def test_many_get_a_category_or_a_status(ada: Desk) -> None:
    ids, wall = two(), make_category("Wall")
    assert ada.do(f"{PAGE}/category?page=2", product=ids, category=wall).headers["Location"] == f"{PAGE}?page=2"
    assert "2 parts are changed." in words(ada.get(PAGE))
    ada.do(f"{PAGE}/status", product=ids, status="archived")
    rows = [product_table.get_row(product_id) for product_id in ids]
    assert {(row.category_name, row.status) for row in rows} == {("Wall", ProductStatus.ARCHIVED)}
    ada.do(f"{PAGE}/category", product=ids, category="0")
    assert product_table.get_row(ids[0]).category_name is None
    assert len(log_of("products")) == 6


def test_what_is_no_category_or_status_is_said_beside_its_field(ada: Desk) -> None:
    ids = two()
    for part, values in (
        ("category", {"category": "999999"}),
        ("category", {"category": ""}),
        ("status", {"status": "sold"}),
        ("status", {}),
        ("prices", {"by": "5", "unit": "cups"}),
    ):
        answer = ada.do(f"{PAGE}/{part}", product=ids, **values)
        assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text, part
    assert log_of("products") == []
