"""Paying, coming back, and following an order: for its buyer only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.payment_session import SessionOutcome
from mountify.models.catalogue import Inventory
from mountify.models.order import Order
from mountify.services import disputes, orders, refunds, settlement
from tests.buyers import SITE
from tests.cast import sign_in, token_of
from tests.factories import make_product, make_shop
from tests.fakes import FakeMailer, FakePayments
from tests.web import ORIGIN, Browser, field, words


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def check_out(browser: Browser, email: str = "sam@example.com") -> str:
    """Go to payment with one part; gives the session's id."""
    product = make_product(stock=3)
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2, "csrf_token": token_of(browser)})
    page = browser.get("/checkout")
    data = {"email": email, "checkout_key": field(page, "checkout_key"), "csrf_token": token_of(browser)}
    answer = browser.post("/checkout", data)
    assert answer.status_code == 303, words(answer)
    return answer.headers["Location"].rsplit("/", 1)[1]


def the_order() -> Order:
    return db.session.scalars(select(Order).order_by(Order.id.desc()).limit(1)).one()


def addresses(payments: FakePayments, session_id: str) -> tuple[str, str]:
    """Where Stripe sends the shopper: after paying, after giving up."""
    params = payments.asked[-1][1]
    strip = params["success_url"].replace("{CHECKOUT_SESSION_ID}", session_id), params["cancel_url"]
    return strip[0].split("3999", 1)[1], strip[1].split("3999", 1)[1]


def test_a_paid_order_is_confirmed_and_the_mail_leads_to_it(
    browser: Browser, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    session_id = check_out(browser)
    success, _ = addresses(payments, session_id)
    pending = browser.get(success)
    assert pending.status_code == 200 and "Waiting for your bank" in words(pending)
    assert '<noscript><meta http-equiv="refresh"' in pending.get_data(as_text=True)
    part = browser.htmx("GET", success)
    assert "<html" not in part.text and "Waiting for your bank" in words(part) and "HX-Redirect" not in part.headers
    payments.pay(session_id)
    assert browser.htmx("GET", success).headers["HX-Redirect"] == success
    for _ in range(2):
        assert "Thank you, Sam. Your order is confirmed." in words(browser.get(success))
    run_jobs()
    (mail,) = (mail for mail in mailer.sent.values() if mail["to"] == "sam@example.com")
    assert mail["to"] == "sam@example.com" and "41 Alder Street" in mail["html"]
    link = mail["text"].split("Follow this order: ")[1].split()[0]
    assert f"Order {the_order().number}" in words(browser.get(link.split("3999", 1)[1]))
    assert "An empty tray" in words(browser.get("/cart"))


def test_what_the_own_order_holds_is_left_for_its_cart(browser: Browser) -> None:
    check_out(browser)
    product_id = db.session.scalars(select(Inventory.sku_id)).one()
    assert "3 left" in words(browser.get("/cart"))
    assert "1 left" in words(browser.get(f"/products/{product_id}", follow_redirects=True))


def test_coming_back_frees_the_stock_and_keeps_the_cart(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    _, cancel = addresses(payments, session_id)
    for _ in range(2):
        assert "Nothing was charged" in words(browser.get(cancel))
    assert db.session.scalars(select(Inventory.reserved)).all() == [0]
    assert the_order().status == "cancelled"
    assert "$28.00" in words(browser.get("/cart"))


def test_coming_back_after_paying_shows_the_paid_order(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    _, cancel = addresses(payments, session_id)
    payments.pay(session_id)
    answer = browser.get(cancel)
    assert answer.status_code == 303 and "/orders/" in answer.headers["Location"]
    assert the_order().status == "paid"


def buy(browser: Browser, payments: FakePayments) -> tuple[str, str]:
    """Pay for one part; gives the payment, and the order's page."""
    session_id = check_out(browser)
    success, _ = addresses(payments, session_id)
    payments.pay(session_id)
    browser.get(success)
    key = urlsplit(success).query.rpartition("&")[2]
    return payments.sessions[session_id].payment_intent or "", f"/orders/{the_order().id}?{key}"


def test_money_that_went_back_is_shown_with_how_much(browser: Browser, payments: FakePayments) -> None:
    intent, page = buy(browser, payments)
    payments.refund(intent, 500)
    refunds.sync_refunds(intent, payments=payments, site=SITE, now=utcnow())
    assert "Money sent back $5.00" in words(browser.get(page))


def test_a_payment_that_goes_back_by_itself_says_how_much_and_why(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    success, _ = addresses(payments, session_id)
    payments.pay(session_id, amount_total=1000, currency="eur")
    browser.get(success)
    page = words(browser.get(f"/orders/{the_order().id}?{urlsplit(success).query.rpartition('&')[2]}"))
    assert "A payment that goes back €10.00 What was paid is not what the order costs" in page


def test_a_dispute_is_between_the_merchant_and_a_bank(browser: Browser, payments: FakePayments) -> None:
    intent, page = buy(browser, payments)
    dispute = payments.dispute(intent, 500, now=utcnow(), status="lost")
    disputes.sync_dispute(dispute, payments=payments, site=SITE, now=utcnow())
    assert {event.kind for event in orders.list_events(the_order())} == {"placed", "paid", "dispute", "dispute_closed"}
    shown = words(browser.get(page))
    assert "2 entries" in shown and "Changed" not in shown and "ispute" not in shown


def test_nobody_reads_an_order_without_its_link(app: Flask, browser: Browser, payments: FakePayments) -> None:
    first = check_out(browser)
    order_id = the_order().id
    other = Browser(app)
    second = check_out(other, "bob@example.com")
    success, _ = addresses(payments, second)
    key = parse_qs(urlsplit(success).query)["key"][0]
    for path in (
        f"/orders/{order_id}",
        f"/orders/{order_id}?key={key}",
        f"/orders/{order_id}?key=",
        f"/checkout/success?session_id={first}&key={key}",
        f"/checkout/success?session_id=nothing&key={key}",
        f"/checkout/cancelled?order={order_id}&key={key}",
        f"/checkout/cancelled?order=abc&key={key}",
    ):
        assert other.get(path).status_code == 404, path
    assert other.get(f"/orders/{the_order().id}?key={key}").status_code == 200
    assert other.get(f"/orders/{the_order().id}?key={key[:-1]}x").status_code == 404


def test_an_account_sees_its_own_order_only(app: Flask, browser: Browser) -> None:
    sign_in(browser, "alice")
    check_out(browser)
    order_id = the_order().id
    assert browser.get(f"/orders/{order_id}").status_code == 200
    for name in ("bob", "stan", "ada"):
        other = Browser(app)
        sign_in(other, name)
        assert other.get(f"/orders/{order_id}").status_code == 404
    assert Browser(app).get(f"/orders/{order_id}").status_code == 404


def test_a_guests_cart_moves_into_the_account(browser: Browser) -> None:
    product = make_product(stock=9)
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    sign_in(browser, "alice")
    assert browser.client.get_cookie("cart", domain="127.0.0.1") is None
    assert "2 parts" in words(browser.get("/cart"))


def test_sending_the_form_twice_is_one_order(browser: Browser, payments: FakePayments) -> None:
    product = make_product(stock=3)
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    key = field(browser.get("/checkout"), "checkout_key")
    places = {
        browser.post("/checkout", {"email": "sam@example.com", "checkout_key": key}).headers["Location"]
        for _ in range(2)
    }
    assert len(places) == 1 and len(payments.sessions) == 1
    assert len(db.session.scalars(select(Order.id)).all()) == 1


def order_page(payments: FakePayments, session_id: str) -> str:
    """The guest's signed link."""
    return f"/orders/{the_order().id}?key=" + parse_qs(urlsplit(addresses(payments, session_id)[0]).query)["key"][0]


def test_a_pending_order_can_be_paid_or_cancelled_from_its_page(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    page = browser.get(order_page(payments, session_id))
    assert "Your parts are held until" in words(page)
    assert f'href="http://localhost:3998/pay/{session_id}"' in page.get_data(as_text=True)
    path = unescape(page.get_data(as_text=True).split('<form method="post" action="')[1].split('"')[0])
    assert path.startswith(f"/orders/{the_order().id}/cancellation?key=")
    for said in ("is cancelled. Nothing was charged.", "Cancelled"):
        answer = browser.post(path)
        assert answer.status_code == 303
        assert said in words(browser.get(answer.headers["Location"]))
    assert "At your wish." in words(browser.get(order_page(payments, session_id)))
    assert db.session.scalars(select(Inventory.reserved)).all() == [0]
    assert "2 parts" in words(browser.get("/cart"))
    assert payments.sessions[session_id].outcome == "closed"


def test_cancelling_what_was_paid_meanwhile_shows_it_paid(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    payments.pay(session_id)
    path = order_page(payments, session_id).replace("?", "/cancellation?")
    answer = browser.post(path)
    shown = words(browser.get(answer.headers["Location"]))
    assert "Paid" in shown and "cancelled" not in shown


def test_nobody_cancels_anothers_order(app: Flask, browser: Browser, payments: FakePayments) -> None:
    check_out(browser)
    order_id = the_order().id
    other = Browser(app)
    sign_in(other, "mallory")
    for path in (f"/orders/{order_id}/cancellation", f"/orders/{order_id}/cancellation?key=forged"):
        assert other.post(path, {"csrf_token": token_of(other)}).status_code == 404
        assert Browser(app).post(path).status_code == 404
    assert the_order().status == "pending"


def test_an_account_cancels_its_own(browser: Browser) -> None:
    sign_in(browser, "alice")
    check_out(browser)
    path = f"/orders/{the_order().id}/cancellation"
    assert browser.post(path).status_code == 403  # without its token
    assert browser.post(path, {"csrf_token": token_of(browser)}).status_code == 303
    assert the_order().status == "cancelled"


def test_cancelling_while_stripe_is_away_changes_nothing(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    payments.is_down = True
    browser.where = order_page(payments, session_id)
    answer = browser.post(browser.where.replace("?", "/cancellation?"))
    assert answer.status_code == 303
    assert "could not reach the payment service" in words(browser.get(answer.headers["Location"]))
    assert the_order().status == "pending"


def test_an_order_whose_money_is_on_its_way_says_so_and_cannot_be_cancelled(
    browser: Browser, payments: FakePayments
) -> None:
    session_id = check_out(browser)
    payments.change(session_id, outcome=SessionOutcome.PROCESSING)
    success, _ = addresses(payments, session_id)
    assert "Waiting for your bank" in words(browser.get(success))
    page = browser.get(order_page(payments, session_id))
    assert "Your payment is on its way." in words(page) and "cancellation" not in page.get_data(as_text=True)
    payments.change(session_id, outcome=SessionOutcome.FAILED)
    answer = browser.get(success)
    assert answer.status_code == 303
    assert "The payment did not come." in words(browser.get(answer.headers["Location"]))


def test_a_hold_that_ran_out_offers_no_payment(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    order = the_order()
    order.reserved_until = utcnow() - timedelta(seconds=1)
    db.session.commit()
    shown = browser.get(order_page(payments, session_id)).get_data(as_text=True)
    assert "Continue to payment" not in shown and "Cancel this order" in shown


def test_a_mere_look_at_the_way_back_changes_nothing(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    for path in addresses(payments, session_id):
        answer = browser.client.head(path, base_url=ORIGIN)
        assert answer.status_code == 200 and the_order().status == "pending"


def test_coming_back_while_the_money_is_on_its_way_shows_the_order(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    payments.change(session_id, outcome=SessionOutcome.PROCESSING)
    answer = browser.get(addresses(payments, session_id)[1])
    assert answer.status_code == 303 and "/orders/" in answer.headers["Location"]


CHARGED = "A payment was made for this order. Its history says what became of the money."


def test_who_paid_what_does_not_fit_is_not_told_that_nothing_was_charged(
    browser: Browser, payments: FakePayments
) -> None:
    session_id = check_out(browser)
    payments.pay(session_id, amount_total=1)
    _, cancel = addresses(payments, session_id)
    settlement.sync_session(session_id, payments=payments, site=SITE, now=utcnow())
    own_page = order_page(payments, session_id)
    for answer in (browser.get(cancel), browser.post(own_page.replace("?", "/cancellation?"))):
        assert (answer.status_code, answer.headers["Location"]) == (303, own_page)
        shown = words(browser.get(own_page))
        assert CHARGED in shown and "A payment that goes back" in shown and "The payment did not fit it." in shown
        assert "othing was charged" not in shown
    assert the_order().is_cancelled


def test_nor_is_who_gives_up_after_paying_what_does_not_fit(browser: Browser, payments: FakePayments) -> None:
    """Nobody has told us of the payment before."""
    session_id = check_out(browser)
    payments.pay(session_id, amount_total=1)
    shown = words(browser.get(addresses(payments, session_id)[1], follow_redirects=True))
    assert CHARGED in shown and "othing was charged" not in shown


def test_nor_is_who_got_everything_back(browser: Browser, payments: FakePayments) -> None:
    session_id = check_out(browser)
    success, cancel = addresses(payments, session_id)
    payments.pay(session_id)
    assert CHARGED not in words(browser.get(success)) + words(browser.get(order_page(payments, session_id)))
    intent = str(payments.sessions[session_id].payment_intent)
    payments.refund(intent, payments.paid[intent])
    refunds.sync_refunds(intent, payments=payments, site=SITE, now=utcnow())
    shown = words(browser.get(cancel, follow_redirects=True))
    assert CHARGED in shown and "Refunded" in shown and "othing was charged" not in shown


def test_a_payment_that_cannot_be_read_is_not_denied_and_frees_the_parts(
    browser: Browser, payments: FakePayments
) -> None:
    session_id = check_out(browser)
    success, cancel = addresses(payments, session_id)
    payments.pay(session_id, currency="kwd", amount_total=1235)
    answer = browser.get(cancel)
    assert answer.status_code == 409 and "A payment for this order is under review" in words(answer)
    for _ in range(2):
        for address in (success, cancel):
            leads_to = browser.get(address)
            assert leads_to.status_code == 303
            told = words(browser.get(leads_to.location))
            assert "A payment was made for this order." in told and told.count("Payment under review") == 1
            assert "Nothing was charged" not in told
    assert the_order().is_cancelled and db.session.scalars(select(Inventory.reserved)).all() == [0]
