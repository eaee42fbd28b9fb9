"""What nobody should send: a clear sentence, a 4xx, nothing changed."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select

from mountify import db
from mountify.models.cart import Cart, CartItem
from mountify.models.catalogue import ProductStatus
from mountify.models.order import Order
from tests.cast import PASSWORD, email_of, make_account, sign_in
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakePayments
from tests.web import ORIGIN, Browser, words

BOUNDS = "Quantity must be a whole number between 1 and 1000."


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def in_carts() -> int:
    return db.session.scalar(select(func.coalesce(func.sum(CartItem.quantity), 0))) or 0


@pytest.mark.parametrize(
    "quantity", ["0", "-1", "1001", "1000000000", "99999999999999999999", "abc", "1.5", "", " ", "１", "1e3", "\x00"]
)
def test_a_quantity_that_is_none_changes_nothing(browser: Browser, quantity: str) -> None:
    product = make_product(stock=50)
    browser.get(f"/products/{product.id}-{product.slug}")
    answer = browser.post("/cart/items", {"product_id": product.id, "quantity": quantity})
    assert answer.status_code == 422
    assert "Quantity must be a whole number" in words(answer)
    assert 'aria-describedby="quantity-d"' in answer.get_data(as_text=True)
    part = browser.htmx("POST", "/cart/items", {"product_id": product.id, "quantity": quantity})
    assert part.status_code == 422 and part.headers["HX-Retarget"] == "#flash"
    assert in_carts() == 0


@pytest.mark.parametrize("quantity", ["-1", "1001", "1000000000", "abc", "1.5", ""])
def test_a_line_keeps_its_quantity_when_the_new_one_is_none(browser: Browser, quantity: str) -> None:
    product = make_product(stock=50)
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    answer = browser.post(f"/cart/items/{product.id}", {"quantity": quantity})
    assert answer.status_code == 422 and "Quantity must be a whole number" in words(answer)
    assert in_carts() == 2


@pytest.mark.parametrize("product_id", ["999", "0", "-1", "abc", "", "99999999999999999999", "1.5"])
def test_an_unknown_product_is_refused(browser: Browser, product_id: str) -> None:
    answer = browser.post("/cart/items", {"product_id": product_id, "quantity": "1"})
    assert answer.status_code in (404, 422)
    assert len(words(answer)) > 20
    assert db.session.scalar(select(func.count()).select_from(CartItem)) == 0


@pytest.mark.parametrize(
    "path",
    [
        "/products/999",
        "/products/999-x",
        "/products/99999999999999999999",
        "/products/-1",
        "/orders/99999999999999999999",
        "/products/0",
    ],
)
def test_an_id_that_is_none_is_not_found(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "No part with that number" in words(answer)


def test_a_draft_is_not_found_and_an_archived_part_is_gone(browser: Browser) -> None:
    draft = make_product("Draft", status=ProductStatus.DRAFT)
    archived = make_product("Archived", status=ProductStatus.ARCHIVED)
    assert browser.get(f"/products/{draft.id}-{draft.slug}").status_code == 404
    assert browser.get(f"/products/{archived.id}-{archived.slug}").status_code == 410
    for product in (draft, archived):
        assert browser.post("/cart/items", {"product_id": product.id, "quantity": 1}).status_code in (404, 410)
    assert in_carts() == 0


def test_prices_sent_by_the_browser_change_nothing(browser: Browser, payments: FakePayments) -> None:
    product = make_product(price="14.00")
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2, "price": "0.01", "price_seen": "0.01"})
    started = browser.post(
        "/checkout",
        {"email": "mallory@example.com", "checkout_key": new_key(), "total": "0.01", "status": "paid", "user_id": "1"},
    )
    assert started.status_code == 303
    order = db.session.scalars(select(Order)).one()
    assert (str(order.total), order.status, order.user_id) == ("32.50", "pending", None)
    assert payments.sessions[order.stripe_session_id or ""].amount_total == 3250


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/%2f/evil.example",
        "/%5cevil.example",
        "/x\r\nSet-Cookie: a=b",
        "http:/evil.example",
        "%2f%2fevil.example",
        " //evil.example",
        "/\t/evil.example",
    ],
)
def test_nobody_is_led_elsewhere_after_signing_in(browser: Browser, elsewhere: str) -> None:
    make_account("alice")
    page = browser.client.get("/auth/signin", query_string={"next": elsewhere}, base_url=ORIGIN)
    assert 'name="next" value="/"' in page.get_data(as_text=True)
    answer = browser.post("/auth/signin", {"email": email_of("alice"), "password": PASSWORD, "next": elsewhere})
    assert answer.status_code == 303 and answer.headers["Location"] == "/"


def test_a_path_of_ours_is_led_to(browser: Browser) -> None:
    make_account("alice")
    data = {"email": email_of("alice"), "password": PASSWORD, "next": "/products?category=bike&page=2"}
    assert browser.post("/auth/signin", data).headers["Location"] == "/products?category=bike&page=2"


def test_a_foreign_referrer_leads_nowhere(browser: Browser) -> None:
    for referrer in ("https://evil.example/cart", f"{ORIGIN}.evil.example/x", f"{ORIGIN}//evil.example"):
        answer = browser.post("/theme", {"theme": "dark"}, headers={"Referer": referrer})
        assert answer.status_code == 303 and answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("size", "content_type"),
    [
        (300_000, "application/x-www-form-urlencoded"),
        (2_000_000, "application/x-www-form-urlencoded"),
        (2_000_000, "text/plain"),
    ],
)
def test_an_oversized_body_is_refused(browser: Browser, size: int, content_type: str) -> None:
    answer = browser.client.post(
        "/cart/items",
        base_url=ORIGIN,
        data=b"product_id=1&quantity=1&x=" + b"a" * size,
        content_type=content_type,
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    assert answer.status_code == 413
    assert "larger than this shop accepts" in words(answer)


def test_an_oversized_webhook_is_refused(browser: Browser) -> None:
    answer = browser.client.post("/api/webhooks/stripe", base_url=ORIGIN, data=b"a" * 300_000)
    assert answer.status_code == 413 and "error" in answer.get_json()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b"null", b'{"id": 7}'])
def test_an_unsigned_webhook_is_refused(browser: Browser, body: bytes) -> None:
    answer = browser.client.post("/api/webhooks/stripe", base_url=ORIGIN, data=body)
    assert answer.status_code == 400 and "error" in answer.get_json()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Referer": "https://evil.example/cart"},
        {"Referer": f"{ORIGIN}.evil.example/"},
        {},
    ],
)
def test_a_post_from_elsewhere_changes_nothing(app: Flask, headers: dict[str, str]) -> None:
    product = make_product()
    answer = app.test_client().post(
        "/cart/items", base_url=ORIGIN, data={"product_id": product.id, "quantity": 1}, headers=headers
    )
    assert answer.status_code == 403
    assert "did not come from a page of this shop" in words(answer)
    assert db.session.scalar(select(func.count()).select_from(Cart)) == 0
    assert "Set-Cookie" not in answer.headers


def test_a_signed_in_post_needs_its_token(browser: Browser) -> None:
    product = make_product()
    sign_in(browser, "alice")
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    for data in ({}, {"csrf_token": "x"}, {"csrf_token": "é" * 100}):
        assert browser.post("/cart/removal", data).status_code == 403
    assert in_carts() == 1


@pytest.mark.parametrize(
    "email",
    ["", "sam", "sam@", "@example.com", "a@b", "sam@example.com\r\nBcc: x@y.example", "x" * 300 + "@example.com"],
)
def test_an_address_that_is_none_keeps_what_was_typed(browser: Browser, email: str) -> None:
    product = make_product()
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    answer = browser.post("/checkout", {"email": email, "checkout_key": new_key()})
    assert answer.status_code == 422
    assert 'id="email-d"' in answer.get_data(as_text=True)
    assert db.session.scalar(select(func.count()).select_from(Order)) == 0
    assert in_carts() == 1


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=abc",
        "page=99999999999999999999",
        "min_price=abc",
        "min_price=-1",
        "max_price=NaN",
        "min_price=1e400",
        "min_price=20&max_price=10",
        "sort=; DROP TABLE",
        "category=%00",
        "search=%00%ff",
        "search=%ed%a0%80",
        "in_stock=maybe",
        "category=nope",
        "search=" + "a" * 5000,
        "page=1&page=2",
        "search=%25&category=_",
        "search=%22%27%28%26%7C%21",
    ],
)
def test_a_listing_survives_every_address(browser: Browser, query: str) -> None:
    make_product()
    assert browser.get(f"/products?{query}").status_code == 200
    assert browser.htmx("GET", f"/products?{query}").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/checkout/success?session_id=%00&key=%00",
        "/checkout/success?session_id=" + "a" * 5000 + "&key=b",
        "/checkout/cancelled?order=99999999999999999999&key=x",
        "/checkout/cancelled?order=-1&key=%ed%a0%80",
        "/orders/1?key=%00",
        "/orders/1?key=%ff",
        "/products/1-%00",
        "/%00",
        "/static/%2e%2e/config.py",
    ],
)
def test_an_address_of_nonsense_is_not_found(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code in (400, 404)


@pytest.mark.parametrize(
    "body", [b'{"product_id": 1, "quantity": 1}', b"[]", b"null", b'"x"', b"{", b'{"product_id": {"a": []}}']
)
@pytest.mark.parametrize("path", ["/cart/items", "/checkout", "/auth/signin"])
def test_a_page_takes_forms_and_nothing_else(browser: Browser, path: str, body: bytes) -> None:
    answer = browser.client.post(
        path, base_url=ORIGIN, data=body, content_type="application/json", headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert answer.status_code == 422
    assert in_carts() == 0
