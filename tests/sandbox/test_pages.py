"""The sandbox's own pages in a real Chromium: whole without script, with the banner, and axe is content."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import cloudinary.uploader
import pytest
import resend
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.axe import complaints

from .support import Running, Shop, cart, client_of, wait_for
from .vendors import account, picture, resend_at

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("sandbox")]
BANNER = "Sandbox: no real money, no real e-mail"
CONFIRMS = "4000 0027 6000 3184"
NARROWEST_PX = 320


@pytest.fixture
def page(chromium: Browser, sandbox: Running) -> Iterator[Page]:
    """A phone without script; whatever the policy refuses is a failure."""
    context = chromium.new_context(
        base_url=f"http://localhost:{sandbox.port}",
        java_script_enabled=False,
        viewport={"width": 360, "height": 780},
        reduced_motion="reduce",
    )
    page = context.new_page()
    refused: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            refused.append(message.text)

    page.on("console", heard)
    yield page
    context.close()
    assert refused == []


def session_of(sandbox: Running, **changes: Any) -> Any:
    back = f"http://localhost:{sandbox.port}/healthz?session={{CHECKOUT_SESSION_ID}}"
    return client_of(sandbox).v1.checkout.sessions.create(cart(success_url=back, **changes))


def furnished(sandbox: Running) -> dict[str, str]:
    """Something on every page, and the address of each."""
    stages = {name: session_of(sandbox) for name in ("open", "disputed", "unpaid", "expired", "confirm", "paid")}
    sandbox.pay(stages["paid"])
    sandbox.pay(stages["disputed"])
    sandbox.pay(stages["unpaid"], payment_method="bank_debit")
    sandbox.pay(stages["confirm"], card_number=CONFIRMS)
    client = client_of(sandbox)
    client.v1.checkout.sessions.expire(stages["expired"].id)
    intents: Any = {name: client.v1.checkout.sessions.retrieve(stages[name].id, {"expand": ["payment_intent"]})
                    for name in ("paid", "disputed")}  # fmt: skip
    client.v1.refunds.create({"payment_intent": intents["paid"].payment_intent.id, "amount": 500})
    sandbox.post(f"/dashboard/charges/{intents['disputed'].payment_intent.latest_charge}/disputes", {})
    letter: Any = {"from": "Shop <a@shop.example>", "to": ["ann.with.a.long.address@subdomain.example.org"] * 3,
                   "subject": "A subject long enough to need a second line on a phone", "html": "<p>Thank you</p>",
                   "text": "Thank you", "headers": {"X-Order": "7"}, "tags": [{"name": "kind", "value": "order"}],
                   "attachments": [{"filename": "invoice.pdf", "content": "AAAA"}]}  # fmt: skip
    with resend_at(sandbox):
        sent = resend.Emails.send(letter, {"idempotency_key": "order-7"})["id"]
    cloudinary.uploader.upload(io.BytesIO(picture()), public_id="parts/hook", **account(sandbox))
    sandbox.order("/_faults", {"service": "resend", "status": 500})
    return {
        "index": "/",
        "payments": "/dashboard",
        "mailbox": "/mailbox",
        "e-mail": f"/mailbox/{sent}",
        "pictures": "/pictures",
        "pay": f"/pay/{stages['open'].id}",
        "confirm": f"/pay/{stages['confirm'].id}/confirm",
        "completed": f"/pay/{stages['paid'].id}",
        "expired": f"/pay/{stages['expired'].id}",
        "not found": "/nothing",
    }


EMPTY = {"index": "/", "payments": "/dashboard", "mailbox": "/mailbox", "pictures": "/pictures"}


@pytest.mark.parametrize("width", [360, 1440])
def test_axe_finds_nothing_to_complain_about(chromium: Browser, sandbox: Running, width: int) -> None:
    """On empty and on full pages, on light and on dark paper."""
    page = chromium.new_page(base_url=sandbox.url, reduced_motion="reduce", bypass_csp=True)
    troubles: dict[str, Any] = {}

    def judge(title: str) -> None:
        page.set_viewport_size({"width": width, "height": 900})
        bad = complaints(page)
        assert page.locator(".banner").inner_text() == BANNER, title
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        bad += complaints(page, runOnly=["color-contrast"])
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        page.set_viewport_size({"width": min(width, NARROWEST_PX), "height": 900})
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if bad or wide > 0:
            troubles[title] = [*bad, f"{wide} px too wide"]

    for title, path in EMPTY.items():
        page.goto(path)
        judge(f"empty {title}")
    addresses = furnished(sandbox)
    for title, path in addresses.items():
        page.goto(path)
        judge(title)
    page.goto(addresses["pay"])
    page.fill("#card_number", "4242")
    page.fill("#shipping_city", "")
    page.uncheck("#billing_same")
    page.fill("#billing_postal_code", "1")
    page.click("#pay-button")
    expect(page.locator("#errors")).to_be_visible()
    judge("pay, with errors")
    page.close()
    assert troubles == {}, json.dumps(troubles, indent=1)


def test_a_buyer_pays_and_corrects_by_hand(page: Page, sandbox: Running) -> None:
    session = session_of(sandbox)
    page.goto(f"/pay/{session.id}")
    page.fill("#shipping_city", "")
    page.click("#pay-button")
    expect(page.locator("#shipping_city-error")).to_have_text("Enter the city.")
    page.click("#errors a")
    page.fill("#shipping_city", "Portland")
    page.check("#shipping_rate_2")
    page.click("#pay-button")
    expect(page).to_have_url(f"http://localhost:{sandbox.port}/healthz?session={session.id}")
    paid = client_of(sandbox).v1.checkout.sessions.retrieve(session.id)
    assert (paid.payment_status, paid.amount_total) == ("paid", 4550)
    page.goto(f"/pay/{session.id}")
    expect(page.locator("h1")).to_have_text("This payment is already completed")


def test_a_bank_asks_once_more(page: Page, sandbox: Running) -> None:
    session = session_of(sandbox)
    page.goto(f"/pay/{session.id}")
    page.fill("#card_number", CONFIRMS)
    page.click("#pay-button")
    page.click("#refuse-button")
    expect(page.locator("#card_number-error")).to_contain_text("could not confirm")
    page.fill("#card_number", CONFIRMS)
    page.fill("#card_cvc", "123")
    page.click("#pay-button")
    page.click("#confirm-button")
    expect(page).to_have_url(f"http://localhost:{sandbox.port}/healthz?session={session.id}")


def test_the_dashboard_settles_refunds_and_disputes(page: Page, sandbox: Running, shop: Shop) -> None:
    debit, card = session_of(sandbox), session_of(sandbox)
    sandbox.pay(debit, payment_method="bank_debit")
    sandbox.pay(card)
    page.goto("/")
    page.get_by_role("navigation").get_by_text("Payments").click()
    first, second = (page.locator(f"[data-session={each.id}]") for each in (debit, card))
    first.get_by_text("Let it succeed").click()
    expect(page.locator(".flash")).to_have_text("The bank debit has arrived.")
    second.get_by_label("Amount").fill("300")
    second.get_by_role("button", name="Refund").click()
    expect(page.locator(".flash")).to_have_text("Refunded $3.00.")
    second.get_by_role("button", name="Dispute").click()
    expect(second).to_contain_text("Dispute of $35.00: needs response")
    second.get_by_role("button", name="Let the shop win").click()
    expect(second).to_contain_text("Dispute of $35.00: won")
    wait_for(lambda: "charge.dispute.closed" in shop.types(), "the webhooks")


def test_a_mail_and_a_picture_are_found_by_clicking(page: Page, sandbox: Running) -> None:
    furnished(sandbox)
    page.goto("/")
    page.get_by_role("navigation").get_by_text("Mailbox").click()
    page.get_by_text("A subject long enough").click()
    expect(page.frame_locator("iframe.mail").locator("p")).to_have_text("Thank you")
    page.get_by_role("link", name="Source").click()
    expect(page.locator("#view-source pre")).to_have_text("<p>Thank you</p>")
    page.goto("/")
    page.get_by_role("navigation").get_by_text("Pictures").click()
    expect(page.locator(".thumbs img")).to_have_count(1)
    page.get_by_role("link", name="parts/hook").click()
    assert page.url.endswith("/parts/hook.webp")


def test_one_button_empties_everything(page: Page, sandbox: Running) -> None:
    furnished(sandbox)
    page.goto("/")
    page.click("#reset-button")
    for path in ("/dashboard", "/mailbox", "/pictures"):
        page.goto(path)
        expect(page.locator(".void")).to_be_visible()
