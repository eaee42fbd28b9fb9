"""What an account is for, with and without script: addresses that are known, orders that are found again."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from tests.axe import complaints

from .conftest import PASSWORDS, Shop
from .test_buying import add_to_cart, address_of, open_cart, open_part

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PART = "Ledge Phone Stand"
KNOWN = "alice@mountify.example"


def sign_in(page: Page, shop: Shop, email: str) -> None:
    """Sign in to an account of the test's own, which has Alice's password."""
    with shop.engine.begin() as connection:
        made = (
            "INSERT INTO users (email, password_hash, name, email_confirmed_at) "
            "SELECT :email, password_hash, 'Sam Okafor', now() FROM users WHERE email = :known ON CONFLICT DO NOTHING"
        )
        connection.execute(sa.text(made), {"email": email, "known": KNOWN})
    page.goto("/auth/signin")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORDS[KNOWN])
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("You are signed in.")).to_be_visible()


def fill(page: Page, **values: str) -> None:
    plain = {
        "name": "Sam Okafor",
        "line1": "41 Alder Street",
        "city": "Portland",
        "state": "OR",
        "postal_code": "97205",
    }
    for name, value in (plain | values).items():
        page.locator(f"#{name}").fill(value)
    page.get_by_role("button", name="Save address").click()


def test_addresses_are_saved_changed_and_deleted(
    page: Page, shop: Shop, look: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    sign_in(page, shop, address_of(request))
    page.goto("/settings/addresses")
    look("1-empty")
    fill(page, postal_code="9720")
    expect(page.locator("#postal_code-d")).to_have_text("ZIP codes have 5 digits, or 9.")
    expect(page.locator("#postal_code")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#line1")).to_have_value("41 Alder Street")
    look("2-wrong")
    fill(page)
    expect(page.get_by_text("The address is saved.")).to_be_visible()
    fill(page, name="Okafor Studio", line1="220 NE Third Avenue")
    expect(page.locator(".lines > li")).to_have_count(2)
    page.get_by_role("button", name="Make default 220 NE Third Avenue").click()
    expect(page.get_by_text("220 NE Third Avenue is your default address now.")).to_be_visible()
    expect(page.locator(".lines > li").first).to_contain_text("Default Okafor Studio")
    page.get_by_role("link", name="Edit 41 Alder Street").click()
    expect(page.locator("#line1")).to_have_value("41 Alder Street")
    look("3-edit")
    fill(page, line1="43 Alder Street")
    expect(page.locator(".lines > li").last).to_contain_text("43 Alder Street")
    page.get_by_role("button", name="Delete 220 NE Third Avenue").click()
    expect(page.get_by_role("heading", name="Delete this address?")).to_be_visible()
    look("4-delete")
    page.get_by_role("button", name="Delete it 220 NE Third Avenue").click()
    expect(page.get_by_text("The address is deleted.")).to_be_visible()
    expect(page.locator(".lines > li")).to_have_count(1)
    expect(page.locator(".lines > li")).to_contain_text("Default")


def test_an_order_goes_to_a_saved_address_is_found_again_and_bought_again(
    page: Page, shop: Shop, look: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    email = address_of(request)
    sign_in(page, shop, email)
    page.goto("/orders")
    expect(page.get_by_role("heading", name="No order yet")).to_be_visible()
    page.get_by_role("link", name="Addresses", exact=True).click()
    fill(page, line1="9 Harbour Road")
    fill(page)
    expect(page.locator(".lines > li")).to_have_count(2)
    open_part(page, PART)
    add_to_cart(page, 2)
    expect(page.locator("#cart-badge")).to_contain_text("2")
    open_cart(page)
    page.get_by_role("link", name="Check out").click()
    expect(page.get_by_label("Email")).to_have_value(email)
    expect(page.get_by_role("radio", name="9 Harbour Road")).to_be_checked()
    look("1-checkout")
    page.get_by_role("radio", name="41 Alder Street").check()
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.locator("#pay-form")).to_be_visible()
    expect(page.locator("#shipping_line1")).to_have_count(0)
    page.locator("#pay-button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, Sam. Your order is confirmed.")
    expect(page.get_by_text("Portland, OR 97205")).to_be_visible()
    mail = shop.mail_to(email)
    assert "41 Alder Street" in mail["html"] and "41 Alder Street" in mail["text"]

    number = shop.one("SELECT number FROM orders WHERE email = :email", email=email)
    page.locator(".top").get_by_role("link", name="Account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your orders")
    expect(page.get_by_role("row").last).to_contain_text("Paid")
    look("2-orders")
    page.get_by_role("link", name=str(number), exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {number}")
    expect(page.get_by_text("41 Alder Street")).to_be_visible()
    look("3-order")
    page.get_by_role("button", name="Buy again").click()
    expect(page.get_by_text(f"Added 2 parts of order {number}.")).to_be_visible()
    expect(page.locator("#cart-badge")).to_contain_text("2")
    page.goto("/orders")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto("/orders")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (1440, "dark")])
def test_axe_finds_nothing_to_complain_about(
    chromium: Browser, shop: Shop, width: int, scheme: str, request: pytest.FixtureRequest
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, base_url=shop.url, reduced_motion="reduce"
    )
    page, troubles = context.new_page(), {}

    def judge(title: str) -> None:
        if found := complaints(page):
            troubles[title] = found

    sign_in(page, shop, address_of(request))
    for path in ("/orders", "/settings/addresses"):
        page.goto(path)
        judge(f"{path} without any")
    fill(page)
    fill(page, line1="9 Harbour Road")
    fill(page, postal_code="x")
    judge("a wrong address")
    page.goto("/settings/addresses")
    page.get_by_role("button", name="Delete 9 Harbour Road").click()
    judge("addresses, asked about one")
    page.goto("/settings/addresses")
    page.get_by_role("link", name="Edit 9 Harbour Road").click()
    judge("an address")
    open_part(page, PART)
    add_to_cart(page, 1)
    expect(page.locator("#cart-badge")).to_contain_text("1")
    page.goto("/checkout")
    judge("checkout")
    page.get_by_role("button", name="Continue to payment").click()
    page.locator("#pay-button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your order is confirmed.")
    page.goto("/orders")
    judge("orders")
    page.locator("tbody a").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Order")
    judge("an order")
    context.close()
    assert troubles == {}, json.dumps(troubles, indent=1)
