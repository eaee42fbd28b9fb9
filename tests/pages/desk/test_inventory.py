"""Stock at the desk: one form a row, a conflict that shows both numbers, and a page for each product's."""

from __future__ import annotations

import pytest

from mountify.services import stock_table
from tests.desk import Desk
from tests.factories import make_product
from tests.web import field, words

PAGE = "/admin/inventory"


def on_hand(product_id: int) -> int:
    return stock_table.get_row(product_id).on_hand


def test_the_table_shows_what_there_is_and_the_address_says_what_it_shows(ada: Desk) -> None:
    make_product("Low One", stock=2)
    make_product("Plenty", stock=50)
    page = words(ada.get(PAGE))
    assert "Parts on hand 52" in page and "Low One" in page and "Plenty" in page
    assert "Plenty" not in words(ada.get(f"{PAGE}?level=low"))
    part = ada.htmx("GET", f"{PAGE}?q=plen")
    assert "<html" not in part.text and "Plenty" in words(part) and "Low One" not in words(part)
    assert "No part has these words" in words(ada.get(f"{PAGE}?q=zebra"))
    for odd in ("?page=99", "?page=-1", "?level=x&q=%00", f"?q={'9' * 40}"):
        assert ada.get(PAGE + odd).status_code == 200, odd


def test_a_row_is_saved_and_comes_back(ada: Desk) -> None:
    product = make_product(stock=5)
    plain = ada.do(f"{PAGE}/{product.id}/on-hand?q=ledge", on_hand=7, expected=5)
    assert (plain.status_code, plain.headers["Location"]) == (303, f"{PAGE}?q=ledge#stock-{product.id}")
    assert "Ledge Phone Stand: 7 on hand." in words(ada.get(PAGE))
    row = ada.swap(f"{PAGE}/{product.id}/on-hand", on_hand=8, expected=7)
    assert row.status_code == 200 and 'class="saved"' in row.text and "8 on hand." in words(row)
    assert 'name="expected" value="8"' in row.text and on_hand(product.id) == 8


def test_a_conflict_shows_both_numbers_and_overwrites_nothing(ada: Desk) -> None:
    product = make_product(stock=5)
    ada.do(f"{PAGE}/{product.id}/on-hand", on_hand=3, expected=5)
    for send in (ada.do, ada.swap):
        answer = send(f"{PAGE}/{product.id}/on-hand", on_hand=9, expected=5)
        assert answer.status_code == 409 and on_hand(product.id) == 3
        assert "You saw 5 on hand, and now it is 3. Nothing was changed." in words(answer)
        assert field(answer, "on_hand") == "9" and field(answer, "expected") == "3"
        assert "Set it all the same" in words(answer)
    assert ada.do(f"{PAGE}/{product.id}/on-hand", on_hand=9, expected=3).status_code == 303
    assert on_hand(product.id) == 9


def test_a_typing_error_makes_nobody_forget_what_they_have_seen(ada: Desk) -> None:
    for send in (ada.do, ada.swap):
        product = make_product(stock=5)
        ada.do(f"{PAGE}/{product.id}/on-hand", on_hand=3, expected=5)
        wrong = send(f"{PAGE}/{product.id}/on-hand", on_hand="1.299,00", expected=5)
        assert wrong.status_code == 422 and field(wrong, "expected") == "5"
        late = send(f"{PAGE}/{product.id}/on-hand", on_hand=7, expected=field(wrong, "expected"))
        assert late.status_code == 409 and on_hand(product.id) == 3


BAD = ["", "-1", "1.5", "1,5", "1.299,00", "1e3", "twelve", "1000001", "9" * 30, "<b>1</b>", "\x00", "٣"]


@pytest.mark.parametrize("typed", BAD)
def test_what_is_no_count_is_refused_beside_the_field(ada: Desk, typed: str) -> None:
    product = make_product(stock=5)
    for send in (ada.do, ada.swap):
        answer = send(f"{PAGE}/{product.id}/on-hand", on_hand=typed, expected=5)
        assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
        assert "Enter a whole number" in words(answer) and "<b>1</b>" not in answer.text
    for name, form in (("delta", "movements"), ("low_stock_level", "low-level")):
        if (name, typed) != ("delta", "-1"):
            answer = ada.do(f"{PAGE}/{product.id}/{form}", **{name: typed, "reason": "other"})
            assert answer.status_code == 422 and "Enter a whole number" in words(answer), name
    assert on_hand(product.id) == 5


def test_parts_come_and_go_with_a_reason(ada: Desk) -> None:
    product = make_product(stock=5)
    path = f"{PAGE}/{product.id}"
    assert ada.do(f"{path}/movements", delta="-2", reason="damaged", note="<i>Fell</i>").status_code == 303
    page = ada.get(path)
    assert "-2 Damaged <i>Fell</i> Ada" in words(page) and "<i>Fell</i>" not in page.text
    assert "Ada: changed the stock, on hand 5 → 3" in words(page)
    too_many = ada.do(f"{path}/movements", delta="-9", reason="other")
    assert too_many.status_code == 409 and "On hand are 3." in words(too_many)
    for values in ({"reason": "stolen"}, {"reason": "other", "note": "x" * 201}, {}):
        assert ada.do(f"{path}/movements", delta="1", **values).status_code == 422
    assert on_hand(product.id) == 3


def test_a_form_that_is_sent_twice_moves_parts_once(ada: Desk) -> None:
    product = make_product(stock=5)
    key = field(ada.get(f"{PAGE}/{product.id}"), "key")
    for _click in range(2):
        answer = ada.do(f"{PAGE}/{product.id}/movements", delta="3", reason="received", key=key)
        assert answer.status_code == 303
    assert on_hand(product.id) == 8
    assert ada.do(f"{PAGE}/{product.id}/movements", delta="3", reason="received", key="x").status_code == 422


def test_more_may_be_written_with_its_sign(ada: Desk) -> None:
    product = make_product(stock=5)
    assert ada.do(f"{PAGE}/{product.id}/movements", delta="+3", reason="received").status_code == 303
    assert on_hand(product.id) == 8
    for odd in ("++3", "+-3", "-+3"):
        assert ada.do(f"{PAGE}/{product.id}/movements", delta=odd, reason="received").status_code == 422


def test_the_low_level_is_saved(ada: Desk) -> None:
    product = make_product(stock=9)
    assert ada.do(f"{PAGE}/{product.id}/low-level", low_stock_level=9).status_code == 303
    assert "Low from 9" in words(ada.get(f"{PAGE}/{product.id}"))


def test_what_is_not_there_is_not_found(ada: Desk) -> None:
    for path, values in (("on-hand", {"on_hand": 1}), ("movements", {"delta": 1, "reason": "other"})):
        assert ada.do(f"{PAGE}/{2**63 - 1}/{path}", **values).status_code == 404
    assert ada.do(f"{PAGE}/999/on-hand", on_hand="x").status_code == 404
    assert ada.get(f"{PAGE}/999").status_code == ada.get(f"{PAGE}/{2**64}").status_code == 404
