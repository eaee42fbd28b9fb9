"""The one path that must never break, walked by a stranger with and without script."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORDS, Shop

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
DECLINED = "4000 0000 0000 0002"


def address_of(request: pytest.FixtureRequest) -> str:
    """An address of this test's own."""
    return re.sub(r"\W+", "-", request.node.name).strip("-").lower() + "@example.com"


def open_part(page: Page, name: str) -> None:
    """Find a part as a stranger does: by searching for it."""
    page.goto("/")
    page.get_by_label("Search parts").fill(name)
    page.get_by_label("Search parts").press("Enter")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def add_to_cart(page: Page, quantity: int) -> None:
    page.get_by_role("spinbutton", name="Quantity").fill(str(quantity))
    page.get_by_role("button", name="Add to cart", exact=True).last.click()


def open_cart(page: Page) -> None:
    page.locator(".top").get_by_role("link", name="Cart").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Cart")


def go_to_payment(page: Page, email: str) -> None:
    page.get_by_role("link", name="Check out").click()
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.locator("#pay-form")).to_be_visible()


def fill_cart(page: Page, name: str, quantity: int) -> None:
    open_part(page, name)
    add_to_cart(page, quantity)
    expect(page.locator("#cart-badge")).to_contain_text(str(quantity))
    open_cart(page)


def pay(page: Page) -> None:
    """Pay on Stripe's page, and come back."""
    page.locator("#card_number").fill("4242 4242 4242 4242")
    page.locator("#pay-button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your order is confirmed.")


def test_a_stranger_buys_and_follows_the_order(
    page: Page, shop: Shop, look: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    email = address_of(request)
    sold_before = shop.one(
        "SELECT on_hand FROM inventory JOIN products ON id = sku_id WHERE name = 'Ledge Phone Stand'"
    )
    page.goto("/")
    look("1-home")
    page.get_by_role("link", name="Shop 36 parts").click()
    look("2-listing")
    open_part(page, "Ledge Phone Stand")
    add_to_cart(page, 2)
    expect(page.get_by_text("Added 2 × Ledge Phone Stand.")).to_be_visible()
    expect(page.locator("#cart-badge")).to_contain_text("2")
    look("3-product")
    open_cart(page)
    page.get_by_role("spinbutton").fill("3")
    page.get_by_role("spinbutton").press("Enter")
    expect(page.locator("#cart-badge")).to_contain_text("3")
    expect(page.locator(".sum .all")).to_contain_text("$49.50")
    look("4-cart")
    page.get_by_role("link", name="Check out").click()
    look("5-checkout")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name="Continue to payment").click()
    page.locator("#card_number").fill("4242 4242 4242 4242")
    look("6-stripe")
    page.locator("#pay-button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your order is confirmed.")
    expect(page.get_by_text(f"A receipt is on its way to {email}.")).to_be_visible()
    expect(page.locator("#cart-badge")).to_be_empty()
    look("7-confirmed")

    mail = shop.mail_to(email)
    number = shop.one("SELECT number FROM orders WHERE email = :email", email=email)
    assert mail["subject"] == f"Order {number} confirmed"
    page.goto(f"{shop.sandbox}/mailbox")
    expect(page.get_by_text(email).first).to_be_visible()
    link = re.search(r'href="(http://127\.0\.0\.1:[^"]+/orders/[^"]+)"', mail["html"])
    assert link and link[1] in mail["text"].replace("&amp;", "&")
    page.goto(link[1])
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Order {number}")
    expect(page.locator(".sum .all")).to_contain_text("$49.50")
    look("8-order")
    on_hand = shop.one("SELECT on_hand FROM inventory JOIN products ON id = sku_id WHERE name = 'Ledge Phone Stand'")
    assert on_hand == sold_before - 3


def test_a_declined_card_changes_nothing_and_another_card_pays(
    page: Page, shop: Shop, request: pytest.FixtureRequest
) -> None:
    email = address_of(request)
    fill_cart(page, "Slot Tablet Rest", 1)
    go_to_payment(page, email)
    page.locator("#card_number").fill(DECLINED)
    page.locator("#pay-button").click()
    expect(page.get_by_text("declined").first).to_be_visible()
    assert shop.one("SELECT status FROM orders WHERE email = :email", email=email) == "pending"
    pay(page)
    shop.mail_to(email)


def test_coming_back_without_paying_keeps_the_cart_and_frees_the_stock(
    page: Page, shop: Shop, look: Callable[[str], None], request: pytest.FixtureRequest
) -> None:
    email = address_of(request)
    fill_cart(page, "Halo Charger Stand", 2)
    go_to_payment(page, email)
    held = "SELECT reserved FROM inventory JOIN products ON id = sku_id WHERE name = 'Halo Charger Stand'"
    assert shop.one(held) == 2
    page.locator("#back-to-shop").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing was charged")
    look("cancelled")
    assert shop.one(held) == 0
    assert shop.one("SELECT status FROM orders WHERE email = :email", email=email) == "cancelled"
    page.get_by_role("link", name="Back to the cart").click()
    expect(page.get_by_role("spinbutton")).to_have_value("2")
    assert shop.mails_to(email) == []


def test_nobody_gets_more_than_there_is(page: Page, shop: Shop, look: Callable[[str], None]) -> None:
    available = shop.one(
        "SELECT on_hand - reserved FROM inventory JOIN products ON id = sku_id WHERE name = 'Pocket Wall Dock'"
    )
    open_part(page, "Pocket Wall Dock")
    add_to_cart(page, available)
    expect(page.locator("#cart-badge")).to_contain_text(str(available))
    add_to_cart(page, 1)
    sentence = f"Only {available} of Pocket Wall Dock can be had right now."
    expect(page.get_by_text(sentence)).to_be_visible()
    look("product")
    open_cart(page)
    page.get_by_role("spinbutton").fill(str(available + 1))
    page.get_by_role("spinbutton").press("Enter")
    expect(page.get_by_text(sentence)).to_be_visible()
    look("cart")
    page.goto("/cart")
    expect(page.get_by_role("spinbutton")).to_have_value(str(available))


def test_the_stepper_and_the_filters_work(page: Page, shop: Shop) -> None:
    open_part(page, "Perch Headphone Hook")
    page.get_by_role("button", name="One more").click()
    expect(page.get_by_role("spinbutton", name="Quantity")).to_have_value("2")
    page.goto("/products")
    page.get_by_text("Filter and sort").click()
    page.get_by_label("Bike").check()
    if page.evaluate("typeof window.htmx") != "object":
        page.get_by_role("button", name="Show parts").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Bike")
    expect(page.locator("#heading").get_by_role("status")).to_have_text("5 parts")
    assert "category=bike" in page.url
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("All parts")


def test_a_card_adds_its_part_and_the_cart_is_emptied(page: Page, shop: Shop, look: Callable[[str], None]) -> None:
    page.goto("/products?category=wall-shelf")
    page.get_by_role("button", name="Add Bow Coat Hook to cart").click()
    expect(page.get_by_text("Added Bow Coat Hook.")).to_be_visible()
    expect(page.locator("#cart-badge")).to_contain_text("1")
    assert page.url.endswith("/products?category=wall-shelf")
    page.get_by_role("link", name="View cart").click()
    expect(page.get_by_role("spinbutton", name="Quantity, Bow Coat Hook")).to_have_value("1")
    page.get_by_role("button", name="Empty the cart").click()
    look("ask-first")
    page.get_by_role("button", name="Empty it").click()
    expect(page.get_by_text("An empty tray")).to_be_visible()


def test_an_account_signs_in_and_out(page: Page, shop: Shop, look: Callable[[str], None]) -> None:
    page.goto("/auth/signin")
    look("signin")
    page.get_by_label("Email").fill("alice@mountify.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("That email and password do not match.")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value("alice@mountify.example")
    look("refused")
    page.get_by_label("Password").fill(PASSWORDS["alice@mountify.example"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("You are signed in.")).to_be_visible()
    open_part(page, "Bow Coat Hook")
    add_to_cart(page, 1)
    expect(page.locator("#cart-badge")).to_contain_text("1")
    page.goto("/cart")
    page.get_by_role("button", name="Remove Bow Coat Hook").click()
    expect(page.get_by_text("An empty tray")).to_be_visible()
    page.goto("/settings")
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
