"""An order is found at the desk, and a part of its money goes back, with and without script."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from mountify.embedded.processes import wait_until

from .conftest import Shop, has_script
from .test_account_pages import Critic
from .test_buying import address_of, fill_cart, go_to_payment, pay
from .test_desk import sit_down

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_an_order_is_found_and_a_part_of_it_goes_back(
    page: Page, shop: Shop, look: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    email = address_of(request)
    fill_cart(page, "Ledge Phone Stand", 2)
    go_to_payment(page, email)
    pay(page)
    order_id, number, product_id = (
        shop.one(
            f"SELECT {what} FROM orders o JOIN order_items i ON i.order_id = o.id WHERE email = :email", email=email
        )
        for what in ("o.id", "o.number", "i.product_id")
    )
    on_hand = shop.one("SELECT on_hand FROM inventory WHERE sku_id = :id", id=product_id)

    sit_down(page)
    page.goto("/admin/orders?status=paid")
    page.get_by_label("Search").fill(email)
    page.get_by_label("Search").press("Enter")
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    look("1-found")
    page.get_by_role("link", name=f"Ship order {number}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {number}")
    expect(page.get_by_role("button", name="Copy")).to_be_visible(visible=has_script(page))
    page.get_by_label("Note").fill("Gave one back at the door.")
    page.get_by_role("button", name="Keep note").click()
    expect(page.locator(".track").first).to_contain_text("Gave one back at the door.")
    page.get_by_role("link", name="Refund", exact=True).click()
    page.get_by_label("Amount").fill("1.299,00")
    page.get_by_role("button", name="Send it back").click()
    expect(page.locator("#amount-d")).to_have_text("Write it as 19.50, with a point.")
    page.get_by_label("Amount").fill("5.00")
    page.get_by_label("Ledge Phone Stand").fill("1")
    look("2-refund")
    judged = Critic(page) if has_script(page) else None
    if judged:
        judged.judge("refund", heading=f"Refund order {number}")
    page.get_by_role("button", name="Send it back").click()
    expect(page.locator("#flash")).to_contain_text("Stripe is asked for it now.")
    sent = "SELECT refunded_total FROM orders WHERE id = :id"
    assert wait_until(lambda: shop.one(sent, id=order_id) == 5, 30)
    page.reload()
    expect(page.locator(".track").first).to_contain_text("Money sent back")
    expect(page.locator(".track").first).to_contain_text("Refund asked for")
    expect(page.locator(".track").first).to_contain_text("Parts came back")
    assert shop.one("SELECT on_hand FROM inventory WHERE sku_id = :id", id=product_id) == on_hand + 1
    look("3-order")
    if judged:
        judged.judge("order", heading=f"Order {number}")
        page.get_by_role("link", name="Packing slip").click()
        judged.judge("packing slip", heading=f"Packing slip {number}")
        page.goto("/admin/orders")
        judged.judge("orders", heading="Orders")
        assert judged.troubles == {}, json.dumps(judged.troubles, indent=1)
