"""The table of products as a merchant works in it, with and without script: one row by keyboard, and many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Shop, has_script
from .test_desk import expect_open_to_everybody, sit_down

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def desk(page: Page, shop: Shop) -> Iterator[Page]:
    """The admin's browser at the table of two parts that are there for this test alone."""
    for name, price in (("Keel Clip", "10.00"), ("Keel Latch", "0.99")):
        shop.do(
            "WITH made AS (INSERT INTO products (name, slug, price, status)"
            " VALUES (:name, :slug, :price, 'draft') RETURNING id)"
            " INSERT INTO inventory (sku_id) SELECT id FROM made",
            name=name,
            slug=name.lower().replace(" ", "-"),
            price=price,
        )
    sit_down(page)
    page.goto("/admin/products")
    expect(page.get_by_role("heading", level=1)).to_have_text("Products")
    yield page
    shop.do("DELETE FROM products WHERE slug LIKE 'keel-%'")


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_label(f"Choose {name}"))


def find_them(page: Page) -> None:
    """With script the table follows what is typed."""
    page.locator("#q").fill("keel")
    if not has_script(page):
        page.locator("#q").press("Enter")
    expect(page.get_by_role("row").filter(has_text="Keel")).to_have_count(2)
    expect(page).to_have_url("/admin/products?q=keel&category=&status=")


def test_a_row_is_changed_by_keyboard(desk: Page, shop: Shop, look: Callable[[str], None]) -> None:
    find_them(desk)
    edit = desk.get_by_role("link", name="Edit Keel Clip")
    price = desk.get_by_label("Price, USD")
    edit.focus()
    edit.press("Enter")
    price.fill("12,5O")
    price.press("Enter")
    expect(desk.locator("tr.editing.failed")).to_contain_text("Write it as 19.50, with a point.")
    expect(price).to_have_value("12,5O")
    expect_open_to_everybody(desk)
    look("1-failed")
    if has_script(desk):
        expect(price).to_be_focused()
        price.press("Escape")
        expect(edit).to_be_focused()
    else:
        desk.get_by_role("link", name="Cancel").click()
    expect(row(desk, "Keel Clip")).to_contain_text("$10.00")
    edit.press("Enter")
    desk.get_by_label("Name").fill("Keel Clamp")
    price.fill("12.50")
    price.press("Enter")
    expect(row(desk, "Keel Clamp")).to_contain_text("$12.50")
    expect(desk.locator("#toasts" if has_script(desk) else "#flash")).to_contain_text("Keel Clamp is saved.")
    expect(desk.get_by_role("row").filter(has_text="Keel")).to_have_count(2)
    if has_script(desk):
        expect(desk.get_by_role("link", name="Edit Keel Clamp")).to_be_focused()
    assert shop.one("SELECT price FROM products WHERE name = 'Keel Clamp'") == 12.50


def test_many_prices_change_and_go_back(desk: Page, look: Callable[[str], None]) -> None:
    find_them(desk)
    desk.get_by_text("Change several at once").click()
    if has_script(desk):
        desk.get_by_label("Choose all on this page").check()
    else:
        for name in ("Keel Clip", "Keel Latch"):
            desk.get_by_label(f"Choose {name}").check()
    by = desk.get_by_label("Change by")
    by.fill("-100")
    by.press("Enter")
    expect(desk.locator("#by-d")).to_contain_text("Keel Clip (0.00), Keel Latch (0.00)")
    expect(desk.get_by_label("Choose Keel Latch")).to_be_checked()
    expect_open_to_everybody(desk)
    look("1-refused")
    by.fill("5")
    by.press("Enter")
    expect(row(desk, "Keel Latch")).to_contain_text("$1.04")
    expect(desk.get_by_role("status").filter(has_text="2 prices were changed")).to_be_visible()
    look("2-changed")
    desk.goto("/admin/products?q=keel")
    desk.get_by_role("button", name="Undo").click()
    expect(desk.locator("#flash")).to_contain_text("2 prices are back.")
    expect(row(desk, "Keel Latch")).to_contain_text("$0.99")
    expect(desk.get_by_role("button", name="Undo")).to_have_count(0)
