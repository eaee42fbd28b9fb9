"""What happens to a cart while its shopper looks elsewhere: two tabs, sold out, a new price."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from mountify.embedded.processes import wait_until

from .conftest import Shop, has_script
from .test_buying import add_to_cart, open_cart, open_part

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
ONE, OTHER = "Comb Cable Guide", "Bobbin Cable Winder, pair"


@pytest.fixture
def elsewhere(shop: Shop) -> Iterator[Callable[[str], None]]:
    """Change a part as a sale or a merchant would; undone after the test."""
    with shop.engine.connect() as connection:
        before = connection.execute(
            sa.text("SELECT id, price FROM products WHERE name IN (:one, :other)"), {"one": ONE, "other": OTHER}
        ).all()

    def run(statement: str, **values: object) -> None:
        with shop.engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    def change(statement: str) -> None:
        run(statement, one=ONE)

    yield change
    for product_id, price in before:
        run("UPDATE products SET price = :price, status = 'published' WHERE id = :id", price=price, id=product_id)


@pytest.fixture
def sell_all(shop: Shop) -> Iterator[Callable[[], None]]:
    """Somebody else buys every one of a part; taken back after the test. The ledger is told, as always."""
    left = shop.one("SELECT on_hand FROM inventory JOIN products ON id = sku_id WHERE name = :one", one=ONE)

    def move(delta: int) -> None:
        with shop.engine.begin() as connection:
            for statement in (
                "UPDATE inventory SET on_hand = on_hand + :delta FROM products WHERE sku_id = id AND name = :one",
                "INSERT INTO stock_movements (product_id, delta, reason)"
                " SELECT id, :delta, 'correction' FROM products WHERE name = :one",
            ):
                connection.execute(sa.text(statement), {"delta": delta, "one": ONE})

    yield lambda: move(-left)
    move(left)


def fill(page: Page) -> None:
    for count, name in enumerate((ONE, OTHER), 1):
        open_part(page, name)
        add_to_cart(page, 1)
        expect(page.locator("#cart-badge")).to_contain_text(str(count))


def test_a_new_price_is_shown_and_accepted_with_one_click(
    page: Page, elsewhere: Callable[[str], None], look: Callable[[str], None]
) -> None:
    fill(page)
    elsewhere("UPDATE products SET price = 99.00 WHERE name = :one")
    open_cart(page)
    expect(page.get_by_text("The price was")).to_be_visible()
    expect(page.get_by_role("link", name="Check out")).to_have_count(0)
    look("price")
    page.get_by_role("button", name="Accept $99.00").click()
    expect(page.get_by_text("The price was")).to_have_count(0)
    expect(page.get_by_role("link", name="Check out")).to_be_visible()


def test_what_is_gone_meanwhile_is_marked_and_left_out(
    page: Page, elsewhere: Callable[[str], None], look: Callable[[str], None]
) -> None:
    fill(page)
    elsewhere("UPDATE products SET status = 'archived' WHERE name = :one")
    open_cart(page)
    expect(page.get_by_text("No longer made, not charged")).to_be_visible()
    look("gone")
    page.goto("/checkout")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cart")
    page.get_by_role("button", name="Continue with 1 part").click()
    expect(page.get_by_label("Email")).to_be_visible()
    expect(page.get_by_role("heading", level=3)).to_have_text([OTHER])


def test_sold_out_while_in_the_cart_is_marked_and_not_charged(
    page: Page, sell_all: Callable[[], None], look: Callable[[str], None]
) -> None:
    fill(page)
    sell_all()
    open_cart(page)
    expect(page.get_by_text("Sold out, not charged")).to_be_visible()
    expect(page.get_by_role("link", name="Check out")).to_have_count(0)
    look("sold-out")
    page.get_by_role("button", name=f"Remove {ONE}").click()
    expect(page.get_by_role("link", name="Check out")).to_be_visible()


def test_two_tabs_and_a_double_click_are_harmless(page: Page) -> None:
    fill(page)
    second = page.context.new_page()
    second.goto("/cart")
    open_cart(page)
    page.get_by_role("button", name=f"Remove {ONE}").click()
    expect(page.get_by_role("spinbutton")).to_have_count(1)
    second.get_by_role("button", name=f"Remove {ONE}").click()
    expect(second.get_by_role("spinbutton")).to_have_count(1)
    second.close()
    page.get_by_role("button", name=f"Remove {OTHER}").dblclick()
    expect(page.get_by_text("An empty tray")).to_be_visible()
    open_part(page, ONE)
    page.get_by_role("button", name="Add to cart", exact=True).last.dblclick()
    expect(page.locator("#cart-badge")).not_to_be_empty()
    page.goto("/cart")
    expect(page.get_by_role("spinbutton")).to_have_value("1")


def test_the_button_on_a_card_adds_one(page: Page) -> None:
    page.goto("/products")
    button = page.get_by_role("button", name=f"Add {ONE} to cart")
    button.dblclick()
    expect(page.get_by_text(f"Added {ONE}.")).to_be_visible()
    page.get_by_role("link", name="View cart").click()
    expect(page.get_by_role("spinbutton")).to_have_value("1")


def test_the_focus_stays_in_the_cart_when_a_line_goes(page: Page) -> None:
    if not has_script(page):
        return  # a new page begins at its top
    fill(page)
    open_cart(page)
    page.get_by_role("button", name=f"Remove {ONE}").press("Enter")
    expect(page.get_by_role("heading", name="Parts", level=2)).to_be_focused()
    page.get_by_role("button", name=f"Remove {OTHER}").press("Enter")
    expect(page.get_by_role("heading", name="An empty tray")).to_be_focused()


def test_the_photos_lead_to_the_full_picture(page: Page, look: Callable[[str], None]) -> None:
    open_part(page, ONE)
    look("product")
    links = page.get_by_role("link", name="Full picture")
    for place in range(links.count()):
        answer = page.request.get(str(links.nth(place).get_attribute("href")))
        assert answer.ok and answer.headers["content-type"].startswith("image/")
    photos = page.get_by_role("group", name="Photos")
    photos.focus()
    photos.press("ArrowRight")
    assert wait_until(lambda: page.evaluate("document.querySelector('.shots').scrollLeft") > 0, 10)
