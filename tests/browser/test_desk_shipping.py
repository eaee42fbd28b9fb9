"""An order is shipped at the desk, with and without script, and its buyer follows it to the carrier."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import Shop, has_script
from .test_account_pages import Critic
from .test_buying import address_of, fill_cart, go_to_payment, pay
from .test_desk import sit_down

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
UPS = "1Z5R89390357567127"


def test_an_order_is_shipped_and_its_buyer_follows_it(
    page: Page, shop: Shop, look: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    email = address_of(request)
    fill_cart(page, "Ledge Phone Stand", 1)
    go_to_payment(page, email)
    pay(page)
    order_id = shop.one("SELECT id FROM orders WHERE email = :email", email=email)
    number = shop.one("SELECT number FROM orders WHERE id = :id", id=order_id)
    link = re.search(r"http://\S+(/orders/\d+\?key=\S+)", shop.mail_to(email)["text"])
    assert link

    sit_down(page)
    page.goto("/admin/shipping")
    row = page.locator(f"#ship-{order_id}")
    expect(row.get_by_label("Its number at 17track")).to_be_hidden()
    row.get_by_label("Carrier").select_option("usps")
    row.get_by_label("Tracking number").fill("9400 1118")
    row.get_by_role("button", name=f"Ship order {number}").click()
    expect(row).to_contain_text("USPS numbers have 20 to 22 digits. This one has 8.")
    expect(row.get_by_label("Tracking number")).to_have_value("9400 1118")
    look("1-wrong")
    waiting = shop.one("SELECT count(*) FROM orders WHERE status = 'paid'")
    row.get_by_label("Carrier").select_option("ups")
    row.get_by_label("Tracking number").fill(UPS)
    row.get_by_label("Tracking number").press("Enter")
    said = page.locator("#toasts" if has_script(page) else "#flash")
    expect(said).to_contain_text(f"Order {number} is shipped.")
    expect(row).to_have_count(0)
    expect(page.locator("#waiting-count")).to_contain_text(f"{waiting - 1} ")
    expect(page.locator(".rail [aria-current]")).to_contain_text(f"Shipping{waiting - 1}")
    expect(page.locator("#sent tbody tr").first.get_by_role("link", name=UPS)).to_be_visible()
    look("2-shipped")
    if has_script(page):
        critic = Critic(page)
        critic.judge("shipping", heading="Shipping")
        page.get_by_role("link", name=f"Correct the number of order {number}").click()
        critic.judge("parcel", heading=f"Order {number}")
        assert critic.troubles == {}, json.dumps(critic.troubles, indent=1)

    mail = shop.newest_mail_to(email, more_than=1)
    assert mail["subject"] == f"Order {number} is on its way" and UPS in mail["text"]
    page.goto(link[1])
    leads = page.get_by_role("link", name=UPS)
    expect(leads).to_have_attribute("href", f"https://www.ups.com/track?tracknum={UPS}")
    expect(leads).to_have_attribute("rel", "noopener noreferrer")
    look("3-buyer")
