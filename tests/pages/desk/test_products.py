"""The table of products at the desk: what it shows, and rows that are changed in place."""

from __future__ import annotations

import re

import pytest

from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.models.catalogue import ProductStatus
from mountify.services import product_changes, product_table
from mountify.services.product_table import Row
from tests.desk import Desk, as_typed, log_of, somebody
from tests.factories import make_category, make_product
from tests.queries import queries
from tests.web import Browser, field, words

PAGE = "/admin/products"


def row_of(product_id: int) -> Row:
    return product_table.get_row(product_id)


def shown(ada: Desk, query: str = "") -> list[str]:
    """The names in the table, from above."""
    return re.findall(r"Choose ([^<]*)</span>", ada.get(f"{PAGE}{query}").text)


def test_a_row_shows_what_a_merchant_asks_first(ada: Desk) -> None:
    wall = make_category("Wall")
    make_product("Bow Hook", price="9.00", stock=3, category_id=wall)
    make_product("Bar", price="1299.00", stock=0, status=ProductStatus.DRAFT)
    page = ada.get(PAGE)
    for part in ("Bow Hook", "Wall", "On sale", "$9.00", "3 left", "Bar", "Draft", "$1,299.00", "Sold out"):
        assert part in words(page)
    assert "1 to 2 of 2" in words(page) and "M-" in words(page)


def test_a_shop_without_products_says_so(ada: Desk) -> None:
    assert "No part is like this" in words(ada.get(PAGE))


def test_filters_and_order_are_in_the_address(ada: Desk) -> None:
    wall = make_category("Wall")
    hook = make_product("Bow Hook", price="9.00", stock=3, category_id=wall)
    bar = make_product("Bar", price="30.00", stock=7, status=ProductStatus.DRAFT)
    make_product("aisle Peg", price="2.00", stock=5, status=ProductStatus.ARCHIVED)
    assert shown(ada) == ["aisle Peg", "Bar", "Bow Hook"]
    for query, names in {
        "?q=hook": ["Bow Hook"],
        "?q=b": ["Bar", "Bow Hook"],
        f"?q={hook.number}": ["Bow Hook"],
        f"?q={bar.id}": ["Bar"],
        f"?category={wall}": ["Bow Hook"],
        "?category=0": ["aisle Peg", "Bar"],
        "?status=draft": ["Bar"],
        "?sort=part": ["Bow Hook", "Bar", "aisle Peg"],
        "?sort=name": ["aisle Peg", "Bar", "Bow Hook"],
        "?sort=-price": ["Bar", "Bow Hook", "aisle Peg"],
        "?sort=stock": ["Bow Hook", "aisle Peg", "Bar"],
        "?sort=category": ["Bow Hook", "aisle Peg", "Bar"],
        "?sort=-category&status=draft": ["Bar"],
        "?sort=evil&status=x&category=x&page=x": ["aisle Peg", "Bar", "Bow Hook"],
        "?q=%25": [],
        "?q=b&sort=name&page=2": [],
    }.items():
        assert shown(ada, query) == names, query
    assert 'aria-sort="ascending"' in ada.get(f"{PAGE}?sort=price").text
    assert "sort=-price" in ada.get(f"{PAGE}?sort=price").text


def test_typing_gets_the_table_alone(ada: Desk) -> None:
    make_product("Bow Hook")
    answer = ada.htmx("GET", f"{PAGE}?q=hook")
    assert answer.text.strip().startswith('<div id="rows"') and "Bow Hook" in answer.text


def test_a_page_holds_fifty(ada: Desk) -> None:
    for number in range(51):
        make_product(f"Hook {number:02}")
    assert len(shown(ada)) == 50 and shown(ada, "?page=2") == ["Hook 00"]
    assert "51 to 51 of 51" in words(ada.get(f"{PAGE}?page=2"))
    assert "There are 2 pages." in words(ada.get(f"{PAGE}?page=3"))
    assert shown(ada, "?sort=-category&page=2") == ["Hook 50"]


def test_a_page_asks_little(ada: Desk) -> None:
    for _ in range(3):
        make_product(category_id=make_category())
    ada.get(PAGE)
    for query in ("", "?sort=category", "?q=stand&sort=-stock&status=published"):
        assert len(queries(lambda query=query: ada.get(f"{PAGE}{query}"))) <= 10  # type: ignore[misc]


def test_a_row_turns_into_a_form_and_back(ada: Desk) -> None:
    hook = make_product("Bow Hook")
    form = ada.htmx("GET", f"{PAGE}?edit={hook.id}&q=bow")
    assert form.status_code == 200 and 'class="editing"' in form.text and "<html" not in form.text
    assert f"{PAGE}/{hook.id}?q=bow" in form.text
    row = ada.htmx("GET", f"{PAGE}/{hook.id}?q=bow")
    assert "<html" not in row.text and f'id="product-{hook.id}"' in row.text and "editing" not in row.text
    page = ada.get(f"{PAGE}?edit={hook.id}&q=nothing")
    assert "<html" in page.text and 'class="editing"' in page.text
    assert ada.get(f"{PAGE}/{hook.id}?q=bow").headers["Location"] == f"{PAGE}?q=bow&edit={hook.id}"


def test_a_saved_row_comes_back_with_a_toast(ada: Desk) -> None:
    wall, hook = make_category("Wall"), make_product("Bow Hook", price="9.00")
    typed = as_typed(row_of(hook.id), name=" Big Hook ", price="11.50", category=str(wall), status="draft")
    saved = ada.swap(f"{PAGE}/{hook.id}?q=hook", **typed)
    assert saved.status_code == 200 and 'class="saved"' in saved.text and "Big Hook is saved." in words(saved)
    assert "q=hook&amp;edit=" in saved.text and "Wall" in words(saved) and "$11.50" in words(saved)
    plain = ada.do(f"{PAGE}/{hook.id}?q=hook&page=2", **as_typed(row_of(hook.id), category="0"))
    assert (plain.status_code, plain.headers["Location"]) == (303, f"{PAGE}?q=hook&page=2")
    assert "Big Hook is saved." in words(ada.get(PAGE))
    assert [changes for _action, changes in log_of("products")] == [
        {
            "name": ["Bow Hook", "Big Hook"],
            "price": ["9.00", "11.50"],
            "category_id": [None, wall],
            "status": ["published", "draft"],
        },
        {"category_id": [wall, None]},
    ]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": " "}, "Enter a name."),
        ({"name": "x" * 201}, "at most 200 characters"),
        ({"name": "a\x00b"}, "characters that cannot be used"),
        ({"price": ""}, "Enter a price."),
        ({"price": "1.299,00"}, "with a point"),
        ({"price": "-1"}, "with a point"),
        ({"price": "0"}, "0.00 is no price in USD"),
        ({"price": "1e3"}, "with a point"),
        ({"price": "12.345"}, "with a point"),
        ({"price": "９.００"}, "with a point"),
        ({"price": "1000000"}, "is no price in USD"),
        ({"category": "999999"}, "Choose one of the categories."),
        ({"category": "9" * 20}, "Choose one of the categories."),
        ({"category": ""}, "Choose one of the categories."),
        ({"status": "sold"}, "Choose one of these."),
    ],
)
def test_what_does_not_hold_is_said_in_the_row_and_kept(ada: Desk, typed: dict[str, str], said: str) -> None:
    hook = make_product("Bow Hook", price="9.00")
    values = as_typed(row_of(hook.id), **typed)
    for answer in (ada.do(f"{PAGE}/{hook.id}", **values), ada.swap(f"{PAGE}/{hook.id}", **values)):
        assert answer.status_code == 422 and said in words(answer)
        assert 'class="editing failed"' in answer.text and 'aria-invalid="true"' in answer.text
        if "price" in typed:
            assert f'value="{typed["price"]}"' in answer.text
    assert row_of(hook.id).price == Money.of("9.00") and log_of("products") == []


def test_what_another_has_changed_meanwhile_is_shown_and_not_overwritten(ada: Desk) -> None:
    hook = make_product("Bow Hook", price="9.00")
    drawn = as_typed(row_of(hook.id), price="10.00")
    product_changes.change(somebody("stan"), hook.id, {"price": Money.of("12.00")}, currency="USD", now=utcnow())
    for answer in (ada.do(f"{PAGE}/{hook.id}", **drawn), ada.swap(f"{PAGE}/{hook.id}", **drawn)):
        assert answer.status_code == 409
        assert "Somebody else has changed this part meanwhile" in words(answer) and "$12.00" in words(answer)
        assert 'value="10.00"' in answer.text and row_of(hook.id).price == Money.of("12.00")
    again = ada.swap(f"{PAGE}/{hook.id}", **{**drawn, "seen": field(answer, "seen")})
    assert again.status_code == 200 and row_of(hook.id).price == Money.of("10.00")


def test_what_another_has_changed_elsewhere_in_the_product_is_no_conflict(ada: Desk) -> None:
    hook = make_product("Bow Hook")
    drawn = as_typed(row_of(hook.id), name="Hook")
    product_changes.change(somebody("stan"), hook.id, {"description": "New."}, currency="USD", now=utcnow())
    assert ada.swap(f"{PAGE}/{hook.id}", **drawn).status_code == 200


def test_markup_is_text(ada: Desk) -> None:
    hook = make_product()
    typed = as_typed(row_of(hook.id), name="<script>alert(1)</script>\"'")
    assert ada.do(f"{PAGE}/{hook.id}", **typed).status_code == 303
    for page in (ada.get(PAGE), ada.get(f"{PAGE}?edit={hook.id}&q=<script>alert(1)")):
        assert "<script>alert" not in page.text and "&lt;script&gt;alert" in page.text


def test_a_copy_is_a_draft_that_is_edited_next(ada: Desk) -> None:
    hook = make_product("Bow Hook", stock=3)
    answer = ada.do(f"{PAGE}/{hook.id}/copy?status=published")
    page = ada.get(answer.headers["Location"])
    assert "This is the copy" in words(page) and 'value="Bow Hook (copy)"' in page.text


def test_a_part_is_deleted_unless_it_was_ordered(ada: Desk, browser: Browser) -> None:
    never, ordered = make_product("Never Sold"), make_product("Ordered")
    browser.post("/cart/items", {"product_id": ordered.id, "quantity": 1})
    assert browser.send("POST", "/api/checkout", {"email": "sam@example.com"}).status_code == 200
    assert ada.do(f"{PAGE}/{never.id}/removal?q=x").headers["Location"] == f"{PAGE}?q=x"
    assert "Never Sold is deleted." in words(ada.get(PAGE))
    ada.do(f"{PAGE}/{ordered.id}/removal")
    assert "Ordered was ordered before, so it is archived." in words(ada.get(PAGE))
    assert shown(ada) == ["Ordered"] and row_of(ordered.id).status is ProductStatus.ARCHIVED


@pytest.mark.parametrize("product_id", ["999999", "9223372036854775807", "9223372036854775808"])
def test_what_is_not_there_is_not_found(ada: Desk, product_id: str) -> None:
    assert ada.get(f"{PAGE}?edit={product_id}").status_code in {200, 404}
    assert ada.get(f"{PAGE}/{product_id}").status_code == 404
    for path in ("", "/copy", "/removal"):
        values = {"name": "x", "price": "1.00", "category": "0", "status": "draft"}
        assert ada.do(f"{PAGE}/{product_id}{path}", **values).status_code in {404, 405}, path
