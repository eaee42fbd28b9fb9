"""Checkout and the order of a session as JSON."""

from __future__ import annotations

from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.money import Money
from mountify.core.payment_session import SessionOutcome
from mountify.models.catalogue import Inventory
from mountify.models.order import Order
from mountify.services.settlement import sync_session
from tests.buyers import SITE
from tests.cast import email_of, sign_in
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakePayments
from tests.web import ORIGIN, Browser, field

EMAIL = "sam@example.com"


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def orders() -> int:
    db.release()
    return db.session.scalar(select(func.count()).select_from(Order)) or 0


def reserved(product_id: int) -> int:
    db.release()
    return db.session.get_one(Inventory, product_id).reserved


def buy(browser: Browser, items: Any, **more: Any) -> Any:
    return browser.send("POST", "/api/checkout", {"items": items, "email": EMAIL, **more})


def test_a_list_of_items_is_ordered_and_the_cart_stays(browser: Browser) -> None:
    product, other = make_product(stock=9), make_product(stock=9)
    browser.send("POST", "/api/cart", {"productId": other.id})
    items = [{"productId": product.id, "quantity": 2}, {"productId": product.id, "quantity": 3}]
    answer = buy(browser, items)
    assert answer.status_code == 200 and set(answer.json) == {"url", "orderId"}
    assert reserved(product.id) == 5 and reserved(other.id) == 0
    assert [line["id"] for line in browser.get("/api/cart").json["cart"]] == [other.id]


def test_without_items_the_cart_is_ordered(browser: Browser) -> None:
    product = make_product(stock=9)
    browser.send("POST", "/api/cart", {"productId": product.id, "quantity": 4})
    assert browser.send("POST", "/api/checkout", {"email": EMAIL}).status_code == 200
    assert reserved(product.id) == 4


def send_raw(browser: Browser, body: bytes, content_type: str | None, *, chunked: bool, token: str = "") -> Any:
    """Send a body as it is; chunked as a client does that does not know its length."""
    headers = {"Sec-Fetch-Site": "same-origin", "X-CSRFToken": token}
    options: dict[str, Any] = {"data": body}
    if chunked:
        headers["Transfer-Encoding"] = "chunked"
        options = {"input_stream": BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}
    return browser.client.post("/api/checkout", base_url=ORIGIN, headers=headers, content_type=content_type, **options)


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain"])
def test_every_key_of_the_body_is_optional_and_so_is_the_body(
    browser: Browser, content_type: str | None, chunked: bool
) -> None:
    product = make_product(stock=9)
    sign_in(browser, "alice")
    token = field(browser.get("/cart"), "csrf_token")
    browser.send("POST", "/api/cart", {"productId": product.id, "quantity": 4}, **{"X-CSRFToken": token})
    answer = send_raw(browser, b"", content_type, chunked=chunked, token=token)
    assert answer.status_code == 200, answer.json


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_no_json_is_refused(browser: Browser, content_type: str | None, chunked: bool) -> None:
    answer = send_raw(browser, b'{"email": "sam@example.com"}', content_type, chunked=chunked)
    assert answer.status_code == 415
    answer = send_raw(browser, b"{", "application/json", chunked=chunked)
    assert answer.status_code == 400


def test_the_same_key_is_the_same_order(browser: Browser) -> None:
    product, key = make_product(stock=9), new_key()
    items = [{"productId": product.id, "quantity": 2}]
    first, second = buy(browser, items, checkoutKey=key), buy(browser, items, checkoutKey=key)
    assert first.json == second.json and orders() == 1 and reserved(product.id) == 2


def test_the_same_key_is_the_same_order_even_when_it_holds_the_last_of_them(browser: Browser) -> None:
    product, key = make_product(stock=2), new_key()
    items = [{"productId": product.id, "quantity": 2}]
    first, second = buy(browser, items, checkoutKey=key), buy(browser, items, checkoutKey=key)
    assert second.status_code == 200 and first.json == second.json
    assert orders() == 1 and reserved(product.id) == 2


def test_the_same_key_is_the_same_order_when_it_has_been_paid(browser: Browser, payments: FakePayments) -> None:
    """A client whose first answer got lost asks again, after its shopper has paid in another window."""
    product, key = make_product(stock=9), new_key()
    items = [{"productId": product.id, "quantity": 2}]
    first = buy(browser, items, checkoutKey=key)
    (session_id,) = payments.sessions
    payments.pay(session_id)
    sync_session(session_id, payments=payments, site=SITE, now=utcnow())
    second = buy(browser, items, checkoutKey=key)
    assert (second.status_code, second.json) == (200, first.json) and orders() == 1 and reserved(product.id) == 0
    other = buy(browser, [{"productId": product.id, "quantity": 1}], checkoutKey=key)
    assert other.json["orderId"] != first.json["orderId"] and reserved(product.id) == 1


def test_the_same_key_is_the_same_order_while_its_money_is_on_its_way(browser: Browser, payments: FakePayments) -> None:
    product, key = make_product(stock=9), new_key()
    items = [{"productId": product.id, "quantity": 2}]
    first = buy(browser, items, checkoutKey=key)
    (session_id,) = payments.sessions
    payments.change(session_id, outcome=SessionOutcome.PROCESSING)
    sync_session(session_id, payments=payments, site=SITE, now=utcnow())
    second = buy(browser, items, checkoutKey=key)
    assert (second.status_code, second.json) == (200, first.json) and orders() == 1 and reserved(product.id) == 2


def test_prices_are_the_shops(browser: Browser, payments: FakePayments) -> None:
    product = make_product(price="14.00")
    answer = buy(browser, [{"productId": product.id, "quantity": 1, "price": 0.01}], total=0.01, status="paid")
    assert answer.status_code == 200
    db.release()
    order = db.session.get_one(Order, answer.json["orderId"])
    assert order.subtotal == Money.of("14.00") and order.status == "pending"
    assert payments.asked[-1][1]["line_items"][0]["price_data"]["unit_amount"] == 1400


@pytest.mark.parametrize(
    "items",
    [
        [], {}, "x", 5, None, [None], [1], [{}], [{"productId": "1"}], [{"productId": True}], [{"productId": 0}],
        [{"productId": 2**64}], [{"productId": 1, "quantity": 0}], [{"productId": 1, "quantity": 101}],
        [{"productId": 1, "quantity": "1"}], [{"productId": 1, "quantity": 1.0}], [{"productId": 1, "quantity": None}],
        [{"productId": 1, "quantity": 60}, {"productId": 1, "quantity": 60}], [{"productId": 424242, "quantity": 1}],
    ],
)  # fmt: skip
def test_items_that_are_none_are_refused(browser: Browser, items: Any) -> None:
    answer = buy(browser, items)
    assert answer.status_code == 400 and answer.json["error"], answer.json
    assert orders() == 0


def test_an_empty_cart_orders_nothing(browser: Browser) -> None:
    for body in ({"email": EMAIL}, {"email": EMAIL, "items": []}):
        assert browser.send("POST", "/api/checkout", body).status_code == 400
    browser.send("POST", "/api/cart", {"productId": make_product().id})
    browser.send("DELETE", "/api/cart")
    assert browser.send("POST", "/api/checkout", {"email": EMAIL}).status_code == 400


@pytest.mark.parametrize("email", [None, "", "sam", 5, ["sam@example.com"], "a" * 300 + "@example.com"])
def test_a_guest_says_where_the_receipt_goes(browser: Browser, email: Any) -> None:
    product = make_product()
    answer = buy(browser, [{"productId": product.id, "quantity": 1}], email=email)
    assert answer.status_code == 400 and list(answer.json["fields"]) == ["email"]


def test_too_little_stock_names_product_and_number(browser: Browser) -> None:
    product = make_product(stock=2)
    expected = {"error": "Insufficient stock", "productId": product.id, "available": 2}
    answer = buy(browser, [{"productId": product.id, "quantity": 3}])
    assert (answer.status_code, answer.json) == (409, expected)
    rival = Browser(browser.client.application)
    rival.send("POST", "/api/cart", {"productId": product.id, "quantity": 2})
    assert buy(browser, [{"productId": product.id, "quantity": 1}]).status_code == 200
    answer = rival.send("POST", "/api/checkout", {"email": "kim@example.com"})
    assert (answer.status_code, answer.json) == (409, {**expected, "available": 1})


def test_stripe_unreachable_holds_nothing(browser: Browser, payments: FakePayments) -> None:
    product = make_product(stock=2)
    payments.is_down = True
    answer = buy(browser, [{"productId": product.id, "quantity": 1}])
    assert answer.status_code == 503 and "error" in answer.json and reserved(product.id) == 0


def test_an_account_orders_for_itself_with_its_token(browser: Browser) -> None:
    product = make_product()
    sign_in(browser, "alice")
    items = [{"productId": product.id, "quantity": 1}]
    assert browser.send("POST", "/api/checkout", {"items": items}).status_code == 403
    page = browser.get("/cart").get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    answer = browser.send("POST", "/api/checkout", {"items": items}, **{"X-CSRFToken": token})
    assert answer.status_code == 200
    db.release()
    order = db.session.get_one(Order, answer.json["orderId"])
    assert order.email == email_of("alice") and order.user_id is not None


def test_the_order_of_a_session_is_told_to_its_buyer_only(browser: Browser, payments: FakePayments) -> None:
    product = make_product(price="14.00")
    answer = buy(browser, [{"productId": product.id, "quantity": 1}])
    session_id = answer.json["url"].rsplit("/", 1)[1]
    query = parse_qs(urlsplit(payments.asked[-1][1]["success_url"]).query)
    path = f"/api/orders/session/{session_id}"
    mine = browser.get(f"{path}?key={query['key'][0]}")
    assert mine.json == {"orderId": answer.json["orderId"], "status": "pending", "email": EMAIL, "total": 18.5}
    assert mine.headers["Cache-Control"] == "private, no-store"
    for wrong in (path, f"{path}?key=", f"{path}?key=%00", f"{path}x?key={query['key'][0]}", f"{path}?key={'0' * 64}"):
        refused = browser.get(wrong)
        assert refused.status_code == 404 and "email" not in refused.json
