"""Which answers may be kept, by whom, and what comes with every one of them."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.cast import is_signed_in, sign_in, token_of
from tests.factories import make_category, make_product, make_shop
from tests.web import ORIGIN, Browser, words

SHARED = ("/", "/products", "/products?category=nothing&page=2")


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()
    make_category()


@pytest.mark.parametrize("path", SHARED)
def test_a_reader_gets_no_cookie_and_a_page_that_may_be_shared(browser: Browser, path: str) -> None:
    make_product()
    answer = browser.get(path)
    assert answer.headers["Cache-Control"].startswith("public")
    assert "Set-Cookie" not in answer.headers
    assert "csrf_token" not in answer.get_data(as_text=True)
    assert "HX-Request" in answer.headers["Vary"]


@pytest.mark.parametrize("path", [*SHARED, "/search?q=stand", "/terms"])
@pytest.mark.parametrize(
    "more",
    [
        {"HX-Request-Type": "partial", "HX-Current-URL": f"{ORIGIN}/products"},
        {"HX-Request-Type": "full"},
        {"HX-Boosted": "true"},
        {"HX-History-Restore-Request": "true"},
    ],
    ids=lambda more: list(more)[-1],
)
def test_what_htmx_asks_for_is_kept_by_nobody(browser: Browser, path: str, more: dict[str, str]) -> None:
    """A cache that tells apart by HX-Request alone would hand a part of a page to who wants the page."""
    make_product()
    plain = browser.get(path)
    answer = browser.get(path, headers={"HX-Request": "true", "If-None-Match": plain.headers["ETag"], **more})
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "private, no-store"
    assert "ETag" not in answer.headers and "Last-Modified" not in answer.headers


@pytest.mark.parametrize("cookie", ["mountify", "cart", "theme"])
def test_with_a_cookie_of_ours_nothing_is_shared(browser: Browser, cookie: str) -> None:
    for path in SHARED:
        browser.client.set_cookie(cookie, "x" * 43, domain="127.0.0.1")
        assert browser.get(path).headers["Cache-Control"] == "private, no-store"


def test_nothing_personal_is_shared(browser: Browser) -> None:
    product = make_product()
    for path in ("/cart", "/auth/signin", "/checkout", "/nothing"):
        assert browser.get(path).headers["Cache-Control"] == "private, no-store"
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    shown = browser.get("/products")
    assert shown.headers["Cache-Control"] == "private, no-store"


def test_a_guest_gets_the_cart_cookie_with_the_first_part(browser: Browser) -> None:
    product = make_product()
    answer = browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("cart="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Domain" not in cookie and "Path=/" in cookie


def test_the_session_cookie_is_new_with_every_sign_in(browser: Browser) -> None:
    sign_in(browser, "alice")
    first = browser.client.get_cookie("mountify", domain="127.0.0.1")
    browser.post("/auth/signout", {"csrf_token": token_of(browser)})
    assert "You are signed out." in words(browser.get("/"))
    sign_in(browser, "alice")
    second = browser.client.get_cookie("mountify", domain="127.0.0.1")
    assert first and second and first.value != second.value
    browser.client.set_cookie("mountify", first.value, domain="127.0.0.1")
    assert not is_signed_in(browser)


def test_an_unknown_session_id_is_never_adopted(browser: Browser) -> None:
    browser.client.set_cookie("mountify", "m" * 43, domain="127.0.0.1")
    sign_in(browser, "alice")
    cookie = browser.client.get_cookie("mountify", domain="127.0.0.1")
    assert cookie and cookie.value != "m" * 43


@pytest.mark.parametrize("path", ["/", "/nothing", "/healthz", "/static/favicon.svg", "/api/nothing"])
def test_every_answer_carries_the_policy(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["form-action"] == "'self' http://localhost:3998"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["X-Request-ID"]


def test_another_name_of_this_machine_leads_to_the_right_one(app: Flask) -> None:
    answer = app.test_client().get("/products?page=2", base_url="http://localhost:3999")
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{ORIGIN}/products?page=2")
    assert app.test_client().get("/healthz", base_url="http://10.0.0.7").status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:3999", "a b", "127.0.0.1@evil.example"]
)
def test_a_name_that_is_not_ours_is_refused(app: Flask, host: str) -> None:
    answer = app.test_client().get("/", base_url=ORIGIN, headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.get_data(as_text=True)
