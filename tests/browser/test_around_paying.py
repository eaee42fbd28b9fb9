"""What shoppers do at the moment of paying that no drawing shows: back, away, twice, in two tabs, on paper."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import stripe
from playwright.sync_api import Page, Route, expect

from mountify.embedded.processes import wait_until

from .conftest import SCREENSHOTS, Shop
from .test_buying import add_to_cart, address_of, go_to_payment, open_cart, open_part

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PART, OTHER = "Ledge Phone Stand", "Slot Tablet Rest"
PAY = "Continue to payment"


@pytest.fixture
def email(request: pytest.FixtureRequest) -> str:
    return address_of(request)


@pytest.fixture
def sessions_of(shop: Shop) -> Callable[[str], dict[str, str]]:
    """Every session at Stripe that a buyer was given, oldest first: its id, and whether it can be paid."""
    client = stripe.StripeClient("sk_test_x", base_addresses={"api": shop.sandbox})

    def sessions(email: str) -> dict[str, str]:
        found = client.v1.checkout.sessions.list({"limit": 100}).data
        return {str(one.id): str(one.status) for one in reversed(found) if one.customer_email == email}

    return sessions


def fill_cart(page: Page, quantity: int = 2) -> None:
    open_part(page, PART)
    add_to_cart(page, quantity)
    expect(page.locator("#cart-badge")).to_contain_text(str(quantity))
    open_cart(page)


def statuses(shop: Shop, email: str) -> str:
    """Every order of a buyer, oldest first."""
    return str(shop.one("SELECT string_agg(status, ' ' ORDER BY id) FROM orders WHERE email = :email", email=email))


def session_on(page: Page) -> str:
    """The session whose payment page is shown."""
    return page.url.rpartition("/")[2]


def pay(page: Page) -> None:
    page.locator("#pay-button").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your order is confirmed.")


def open_order(page: Page, shop: Shop, email: str) -> None:
    """Follow the link in the confirmation."""
    link = re.search(r"Follow this order: (\S+)", shop.mail_to(email)["text"])
    assert link
    page.goto(link[1])


def test_the_browsers_back_button_leads_to_the_same_order_until_the_cart_changes(
    page: Page, shop: Shop, email: str, sessions_of: Callable[[str], dict[str, str]]
) -> None:
    fill_cart(page)
    go_to_payment(page, email)
    first = session_on(page)
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Where should the receipt go?")
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name=PAY).click()
    expect(page.locator("#pay-form")).to_be_visible()
    assert session_on(page) == first and sessions_of(email) == {first: "open"}
    assert statuses(shop, email) == "pending"

    page.go_back()
    page.goto("/cart")
    expect(page.get_by_role("spinbutton")).to_have_value("2")
    page.get_by_role("spinbutton").fill("3")
    page.get_by_role("spinbutton").press("Enter")
    expect(page.locator("#cart-badge")).to_contain_text("3")
    assert sessions_of(email) == {first: "open"}, "a look back ends nothing"
    go_to_payment(page, email)
    second = session_on(page)
    assert sessions_of(email) == {first: "expired", second: "open"}
    assert statuses(shop, email) == "cancelled pending"
    pay(page)
    assert statuses(shop, email) == "cancelled paid"
    shop.mail_to(email)


def test_who_pays_and_closes_the_browser_has_bought(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    tab = page.context.new_page()
    fill_cart(tab)
    go_to_payment(tab, email)
    taken: list[str] = []

    def close_before_the_answer(route: Route) -> None:
        """The form reaches Stripe; nobody is there any more to be sent back to the shop."""
        taken.append(route.fetch(max_redirects=0).headers["location"])
        route.abort()

    tab.route("**/pay/*", close_before_the_answer)
    with tab.expect_event("requestfailed"):
        tab.locator("#pay-button").click(no_wait_after=True)
    tab.close()
    (never_opened,) = taken
    assert "/checkout/success" in never_opened

    open_order(page, shop, email)
    expect(page.locator(".sum .all")).to_contain_text("Paid")
    expect(page.locator(".track [aria-current=step]")).to_contain_text("Paid")
    look("order")
    page.goto("/cart")
    expect(page.get_by_text("An empty tray")).to_be_visible()
    expect(page.locator("#cart-badge")).to_be_empty()
    assert statuses(shop, email) == "paid"


def test_two_tabs_that_pay_one_cart_are_one_order(
    page: Page, shop: Shop, email: str, sessions_of: Callable[[str], dict[str, str]]
) -> None:
    fill_cart(page)
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto("/checkout")
        tab.get_by_label("Email").fill(email)
    for tab in (page, other):
        tab.get_by_role("button", name=PAY).click(no_wait_after=True)
    for tab in (page, other):
        expect(tab.locator("#pay-form")).to_be_visible()
    assert sessions_of(email) == {session_on(page): "open"} and session_on(other) == session_on(page)
    assert statuses(shop, email) == "pending"
    pay(other)
    page.locator("#pay-button").click()
    expect(page.locator("#pay-form")).to_have_count(0)
    other.close()
    page.goto("/cart")
    expect(page.get_by_text("An empty tray")).to_be_visible()
    assert statuses(shop, email) == "paid"
    shop.mail_to(email)


def test_a_double_click_is_one_order(
    page: Page, shop: Shop, email: str, sessions_of: Callable[[str], dict[str, str]]
) -> None:
    fill_cart(page)
    page.get_by_role("link", name="Check out").click()
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name=PAY).dblclick()
    expect(page.locator("#pay-form")).to_be_visible()
    assert sessions_of(email) == {session_on(page): "open"}
    assert statuses(shop, email) == "pending"
    page.locator("#pay-button").dblclick()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your order is confirmed.")
    assert statuses(shop, email) == "paid"
    shop.mail_to(email)


# The darkest paper that a printer knows is white: text must stand out from it whatever the screen looks like.
CONTRASTS = """elements => elements.map(element => {
    const [r, g, b] = getComputedStyle(element).color.match(/[\\d.]+/g).map(Number)
        .map(value => value / 255).map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05);
})"""


def test_the_order_can_be_printed(page: Page, shop: Shop, email: str) -> None:
    fill_cart(page)
    go_to_payment(page, email)
    pay(page)
    open_order(page, shop, email)
    number = shop.one("SELECT number FROM orders WHERE email = :email", email=email)
    for scheme in ("light", "dark"):
        page.emulate_media(media="print", color_scheme=scheme)
        page.set_viewport_size({"width": 718, "height": 1047})  # A4 with a browser's usual margins
        for hidden in (".top", ".foot", ".skip", ".toasts", "main button", "main a.btn"):
            for element in page.locator(hidden).all():
                expect(element).to_be_hidden()
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(f"Order {number}")
        parts, track, address = page.locator("main .line"), page.locator("main .track"), page.locator("main .box.tight")
        expect(parts).to_contain_text([PART])
        expect(track).to_contain_text("Paid")
        expect(address).to_contain_text(shop.one("SELECT shipping_name FROM orders WHERE email = :email", email=email))
        for shown in (heading, parts, track, address, page.locator("main .sum .all"), page.locator("main .cells")):
            expect(shown.first).to_be_visible()
        texts = page.locator("main :is(h1, h2, h3, p, li, dt, dd, time, b):visible")
        assert min(texts.evaluate_all(CONTRASTS)) >= 4.5
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"order-printed-{scheme}.png", full_page=True)


def test_what_the_merchant_refunds_at_stripe_is_on_the_orders_page(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    fill_cart(page)
    go_to_payment(page, email)
    session_id = session_on(page)
    pay(page)
    client = stripe.StripeClient("sk_test_x", base_addresses={"api": shop.sandbox})
    intent = str(client.v1.checkout.sessions.retrieve(session_id).payment_intent)
    client.v1.refunds.create({"payment_intent": intent, "amount": 500})
    open_order(page, shop, email)
    wait_for_refund(shop, email, "5.00")
    page.reload()
    expect(page.get_by_text("Money sent back")).to_be_visible()
    look("refunded-in-part")
    client.v1.refunds.create({"payment_intent": intent})
    assert wait_until(lambda: statuses(shop, email) == "refunded", 20)
    page.reload()
    expect(page.locator(".status")).to_have_text("Refunded")
    look("refunded")


def wait_for_refund(shop: Shop, email: str, amount: str) -> None:
    question = "SELECT refunded_total FROM orders WHERE email = :email"
    assert wait_until(lambda: str(shop.one(question, email=email)) == amount, 20)
