"""The cart as JSON."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import make_product, make_shop
from tests.web import ORIGIN, Browser

TYPES: list[Any] = ["2", 2.5, True, None, [], {}, 0, -1, 1001, 10**30]


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def test_a_cart_is_filled_changed_and_emptied(browser: Browser) -> None:
    one = make_product("Stand", price="14.50", stock=9, images=[("/a.webp", "A")])
    two = make_product("Hook", price="3.00")
    assert browser.get("/api/cart").json == {"cart": [], "subtotal": 0.0}
    added = browser.send("POST", "/api/cart", {"productId": one.id, "quantity": 2})
    assert added.status_code == 200 and added.json == {"message": "Added to cart.", "count": 2}
    assert browser.send("POST", "/api/cart", {"productId": two.id}).json["count"] == 3
    assert browser.send("PATCH", f"/api/cart/{one.id}", {"quantity": 3}).json["count"] == 4
    cart = browser.get("/api/cart").json
    assert cart["subtotal"] == 46.5 and cart["cart"][0] == {
        "id": one.id,
        "name": "Stand",
        "price": 14.5,
        "imageUrl": "/a.webp",
        "description": "",
        "quantity": 3,
        "available": 9,
    }
    assert browser.send("DELETE", f"/api/cart/{one.id}").json["count"] == 1
    assert browser.send("DELETE", f"/api/cart/{one.id}").status_code == 404
    assert browser.send("DELETE", "/api/cart").json["count"] == 0


def test_the_page_and_the_api_share_one_cart(browser: Browser) -> None:
    product = make_product()
    browser.send("POST", "/api/cart", {"productId": product.id})
    assert 'id="cart-line-' in browser.get("/cart").get_data(as_text=True)


def test_more_than_there_is_is_a_conflict_that_says_how_many(browser: Browser) -> None:
    product = make_product(stock=2)
    answer = browser.send("POST", "/api/cart", {"productId": product.id, "quantity": 3})
    assert answer.status_code == 409 and answer.json["available"] == 2 and answer.json["productId"] == product.id
    assert browser.get("/api/cart").json["cart"] == []


@pytest.mark.parametrize("value", TYPES)
def test_a_quantity_is_a_whole_number_and_nothing_like_it(browser: Browser, value: Any) -> None:
    product = make_product(stock=2000)
    browser.send("POST", "/api/cart", {"productId": product.id})
    for answer in (
        browser.send("POST", "/api/cart", {"productId": product.id, "quantity": value}),
        browser.send("PATCH", f"/api/cart/{product.id}", {"quantity": value}),
    ):
        assert answer.status_code == 400 and list(answer.json["fields"]) == ["quantity"], answer.json
    assert browser.get("/api/cart").json["cart"][0]["quantity"] == 1


@pytest.mark.parametrize("value", ["1", 1.0, False, None, [1], {"id": 1}, 0, -5, 2**63])
def test_a_product_is_named_by_its_number(browser: Browser, value: Any) -> None:
    answer = browser.send("POST", "/api/cart", {"productId": value})
    assert answer.status_code == 400 and list(answer.json["fields"]) == ["productId"]


def is_refused(browser: Browser, body: str | bytes) -> bool:
    """Send a body as it is, as JSON."""
    answer = browser.client.post(
        "/api/cart",
        base_url=ORIGIN,
        data=body,
        content_type="application/json",
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    return answer.status_code == 400 and "error" in answer.json


@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "true", ""])
def test_a_body_is_an_object(browser: Browser, body: str) -> None:
    assert is_refused(browser, body)


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"productId": NaN}', b'{"productId": 1e999}'])
def test_a_body_that_is_no_json_is_refused(browser: Browser, raw: bytes) -> None:
    assert is_refused(browser, raw)


def test_forms_and_huge_bodies_are_not_json(browser: Browser) -> None:
    assert browser.post("/api/cart", {"productId": 1}).status_code == 415
    assert browser.send("POST", "/api/cart", {"productId": 1, "x": "y" * 300_000}).status_code == 413


def test_what_is_unknown_is_not_found(browser: Browser) -> None:
    assert browser.send("POST", "/api/cart", {"productId": 424242}).status_code == 404
    assert browser.send("PATCH", "/api/cart/424242", {"quantity": 1}).status_code == 404
    assert browser.send("DELETE", "/api/cart/99999999999999999999").status_code == 404
    assert browser.send("PUT", "/api/cart", {}).status_code == 405


def test_a_request_from_elsewhere_changes_nothing(browser: Browser) -> None:
    product = make_product()
    answer = browser.send("POST", "/api/cart", {"productId": product.id}, **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403 and "error" in answer.json
