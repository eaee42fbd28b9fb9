"""Second tabs, refusals and stale pages: nobody without script ends on a page that leads nowhere."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import select

from mountify import db
from mountify.app import create_app
from mountify.config import Config
from mountify.core.tokens import hash_token
from mountify.gateways import Gateways
from mountify.models.cart import Cart
from mountify.models.order import Order
from tests.cast import sign_in
from tests.factories import make_product, make_shop
from tests.fakes import FakePayments
from tests.web import Browser, field, words


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def test_a_refusal_after_a_wrong_form_leads_to_a_page(browser: Browser) -> None:
    """The page with the field's message stands under an address that can only be posted to."""
    product = make_product(stock=2)
    wrong = {"product_id": product.id, "quantity": 0}
    assert browser.post("/cart/items", wrong).status_code == 422
    browser.where = "/cart/items"
    answer = browser.post("/cart/items", {**wrong, "quantity": 9})
    shown = browser.get(answer.headers["Location"])
    assert shown.status_code == 200 and "Only 2 of Ledge Phone Stand can be had" in words(shown)


@pytest.mark.parametrize("path", ["/cart/items", "/cart/items/1", "/checkout/nothing", "/theme"])
def test_nobody_is_sent_back_to_what_cannot_be_read(browser: Browser, path: str) -> None:
    browser.where = path
    answer = browser.post("/theme", {"theme": "dark"})
    assert browser.get(answer.headers["Location"]).status_code == 200


def test_a_line_that_another_tab_took_out_is_told_and_the_cart_shown(browser: Browser) -> None:
    product = make_product()
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    browser.post(f"/cart/items/{product.id}/removal")
    answer = browser.post(f"/cart/items/{product.id}", {"quantity": 1, "op": "inc"})
    assert answer.status_code == 303
    assert "That part is no longer in your cart." in words(browser.get(answer.headers["Location"]))
    part = browser.htmx("POST", f"/cart/items/{product.id}", {"quantity": 1, "op": "inc"})
    assert part.status_code == 200 and "no longer in your cart" in part.text and "An empty tray" in part.text


def test_more_than_a_line_holds_is_said_on_the_page_one_came_from(browser: Browser) -> None:
    product = make_product(stock=2000)
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1000})
    browser.get("/cart")
    answer = browser.post(f"/cart/items/{product.id}", {"quantity": 1000, "op": "inc"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")
    assert "between 0 and 1000" in words(browser.get("/cart"))


def test_view_cart_is_offered_wherever_one_adds(browser: Browser) -> None:
    product = make_product("Blue hook")
    for path in ("/", "/products", "/search?q=hook", f"/products/{product.id}-{product.slug}"):
        browser.get(path)
        browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
        shown = browser.get(path)
        assert "Added Blue hook. View cart" in words(shown), path


def test_nothing_in_no_cart_gives_no_cookie(browser: Browser) -> None:
    for path, data in (
        ("/cart/items", {"product_id": 999, "quantity": 1}),
        ("/cart/items/999", {"quantity": 1}),
        ("/cart/items/999/removal", {}),
        ("/cart/items/999/acceptance", {}),
        ("/cart/removal", {}),
        ("/cart/acceptance", {}),
        ("/checkout", {"email": "sam@example.com", "checkout_key": "x" * 43}),
    ):
        browser.post(path, data)
        assert "cart" not in browser.cookies(), path
    assert browser.send("POST", "/api/cart", {"productId": 999}).status_code == 404
    assert "cart" not in browser.cookies()


def test_a_token_that_somebody_else_made_up_is_not_taken_over(browser: Browser) -> None:
    """Whoever planted it would share the cart."""
    planted = "m" * 43
    browser.client.set_cookie("cart", planted, domain="127.0.0.1")
    browser.post("/cart/items", {"product_id": make_product().id, "quantity": 1})
    own = browser.client.get_cookie("cart", domain="127.0.0.1")
    assert own is not None and own.value != planted
    assert db.session.scalars(select(Cart.token_hash)).all() == [hash_token(own.value)]


def test_signing_in_during_checkout_leaves_one_order(browser: Browser, payments: FakePayments) -> None:
    browser.post("/cart/items", {"product_id": make_product(stock=1).id, "quantity": 1})

    def check_out() -> str:
        page = browser.get("/checkout")
        data = {"email": "sam@example.com", "checkout_key": field(page, "checkout_key")}
        if "csrf_token" in page.text:
            data["csrf_token"] = field(page, "csrf_token")
        return browser.post("/checkout", data).headers["Location"]

    first = check_out()
    sign_in(browser, "alice")
    assert check_out() == first
    assert len(db.session.scalars(select(Order)).all()) == 1


@pytest.fixture
def without_redis(config: Config, gateways: Gateways, database: None, redis: Redis) -> Browser:
    return Browser(create_app(replace(config, redis_url="redis://127.0.0.1:1/0"), gateways))


def test_without_redis_messages_travel_with_the_browser(without_redis: Browser) -> None:
    browser, product = without_redis, make_product("Blue hook", stock=2)
    browser.get("/products")
    browser.post("/cart/items", {"product_id": product.id, "quantity": 1})
    shown = browser.get("/products")
    assert "Added Blue hook." in words(shown) and shown.headers["Cache-Control"] == "private, no-store"
    assert "Added Blue hook." not in words(browser.get("/products"))
    browser.post("/cart/items", {"product_id": product.id, "quantity": 9})
    assert "Only 2 of Blue hook can be had" in words(browser.get("/products"))


def test_a_forged_message_is_not_shown(app: Flask) -> None:
    browser = Browser(app)
    browser.client.set_cookie("notice", "W1siYmFkIiwiQnV5IGVsc2V3aGVyZSJdXQ.forged.signature", domain="127.0.0.1")
    shown = browser.get("/products")
    assert shown.status_code == 200 and "elsewhere" not in words(shown)
    assert browser.client.get_cookie("notice", domain="127.0.0.1") is None
