"""The desk in a real browser: by keyboard alone, with and without script, and open to everybody's eyes and hands."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.axe import complaints

from .conftest import PASSWORDS, Shop, has_script
from .test_account_pages import enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ADMIN = "admin@mountify.example"

PAGES = {
    "orders": "/admin/orders",
    "order": "/admin/orders/180",
    "shipping": "/admin/shipping",
    "products": "/admin/products",
    "product-edit": "/admin/products?edit=7",
    "product": "/admin/products/7/edit",
    "new-product": "/admin/products/new",
    "dashboard": "/admin",
    "settings": "/admin/settings",
    "content": "/admin/settings/pages/terms",
    "inventory": "/admin/inventory",
    "stock": "/admin/inventory/7",
    "categories": "/admin/categories",
    "category-edit": "/admin/categories?edit=1",
    "category": "/admin/categories/1",
}


def sit_down(page: Page) -> None:
    """Sign in as whoever runs the shop."""
    enter(page, ADMIN, PASSWORDS[ADMIN])
    expect(page.locator("#flash")).to_contain_text("You are signed in.")


def expect_open_to_everybody(page: Page) -> None:
    """With script, without which nothing can be asked of a page; at the width that it has."""
    if has_script(page):
        assert complaints(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_twenty_cells_of_stock_are_typed_by_keyboard_alone(page: Page, shop: Shop) -> None:
    sit_down(page)
    page.goto("/admin/inventory")
    cells, is_swapped = page.locator("[data-cell]"), has_script(page)
    ids = [int((cells.nth(at).get_attribute("id") or "").rsplit("-", 1)[1]) for at in range(20)]
    before = {each: shop.one("SELECT on_hand FROM inventory WHERE sku_id = :id", id=each) for each in ids}
    cells.first.focus()
    for at, each in enumerate(ids):
        if not is_swapped:
            page.locator(f"#on-hand-{each}").focus()
        expect(page.locator(f"#on-hand-{each}")).to_be_focused()
        page.keyboard.press("Control+A")
        page.keyboard.type(str(before[each] + 1 + at))
        page.keyboard.press("Enter")
        if not is_swapped:
            expect(page.locator("#flash")).to_contain_text("on hand.")
    expect(page.locator(f"#on-hand-{ids[-1]}")).to_have_value(str(before[ids[-1]] + 20))
    expect(page.locator("#toasts, #flash").filter(has_text="on hand.")).to_have_count(1)
    if is_swapped:
        expect(page.locator("tr.saved")).to_have_count(20)
    after = {each: shop.one("SELECT on_hand FROM inventory WHERE sku_id = :id", id=each) for each in ids}
    assert after == {each: before[each] + 1 + at for at, each in enumerate(ids)}


def test_a_cell_that_a_sale_has_changed_shows_both_numbers(page: Page, shop: Shop) -> None:
    sit_down(page)
    page.goto("/admin/inventory/7")
    page.goto("/admin/inventory?q=M-007")
    shop.do("UPDATE inventory SET on_hand = on_hand + 2 WHERE sku_id = 7")
    shop.do("INSERT INTO stock_movements (product_id, delta, reason) VALUES (7, 2, 'received')")
    found = shop.one("SELECT on_hand FROM inventory WHERE sku_id = 7")
    page.locator("#on-hand-7").fill("11")
    page.locator("#on-hand-7").press("Enter")
    expect(page.locator("#on-hand-7-d")).to_have_text(
        f"You saw {found - 2} on hand, and now it is {found}. Nothing was changed."
    )
    assert shop.one("SELECT on_hand FROM inventory WHERE sku_id = 7") == found
    page.get_by_role("button", name=re.compile("Set it all the same")).click()
    expect(page.locator("#toasts, #flash").filter(has_text="11 on hand.")).to_have_count(1)


def test_a_category_is_renamed_in_its_row_and_left_by_escape(page: Page) -> None:
    sit_down(page)
    page.goto("/admin/categories")
    page.locator("#category-2").get_by_role("link", name=re.compile("Edit")).click()
    name = page.locator("#category-2-name")
    expect(name).to_be_focused()
    old = name.input_value()
    name.fill("")
    if has_script(page):
        name.press("Escape")
    else:
        page.get_by_role("link", name="Cancel").click()
    expect(page.locator("#category-2")).to_contain_text(old)
    page.locator("#category-2").get_by_role("link", name=re.compile("Edit")).click()
    name.fill("Cables & more")
    name.press("Enter")
    expect(page.locator("#category-2")).to_contain_text("Cables & more")
    expect(page.locator("#toasts, #flash").filter(has_text="Cables & more is saved.")).to_have_count(1)
    page.locator("#category-2").get_by_role("link", name=re.compile("Edit")).click()
    name.fill(old)
    name.press("Enter")
    expect(page.locator("#category-2")).to_contain_text(old)


def test_on_a_phone_the_part_of_the_desk_that_is_open_is_in_sight(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    sit_down(page)
    page.goto("/admin/settings")
    expect(page.locator(".rail [aria-current]")).to_be_in_viewport(ratio=0.9)
    page.goto("/admin/orders?status=cancelled")
    for strip in (".rail", ".tabs"):
        expect(page.locator(f"{strip} [aria-current]")).to_be_in_viewport(ratio=0.9)


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_axe_finds_nothing_to_complain_about(chromium: Browser, shop: Shop, width: int, scheme: str) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]
        base_url=shop.url,
        reduced_motion="reduce",
    )
    page, troubles = context.new_page(), {}
    sit_down(page)
    for title, path in PAGES.items():
        page.goto(path)
        found = complaints(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if found or wide > width:
            troubles[title] = found + [("wider than the screen", [str(wide)])] * (wide > width)
    context.close()
    assert troubles == {}, json.dumps(troubles, indent=1)
