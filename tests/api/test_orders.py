"""The orders of an account as JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from mountify.models.order import Order
from mountify.services import accounts
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.cast import email_of, sign_in
from tests.factories import make_product, make_shop, new_key
from tests.fakes import HOME, FakePayments
from tests.web import Browser

MOMENT = datetime(2026, 11, 30, 12, tzinfo=UTC)


@pytest.fixture
def alice(browser: Browser) -> Browser:
    make_shop()
    sign_in(browser, "alice")
    return browser


@pytest.fixture
def buyer(alice: Browser, payments: FakePayments) -> Buyer:
    return Buyer(payments, user_id=accounts.find_by_email(email_of("alice")))


def test_orders_are_listed_in_the_shape_of_the_contract(alice: Browser, buyer: Buyer) -> None:
    empty = alice.get("/api/orders/my-orders").json
    assert empty["orders"] == [] and empty["pagination"]["totalPages"] == 0
    product = make_product("Stand", price="14.50", images=[("/a.webp", "A")])
    buyer.add(product, 2)
    order_id = buyer.buy().order_id
    (shown,) = alice.get("/api/orders/my-orders").json["orders"]
    assert shown == alice.get(f"/api/orders/{order_id}").json["order"]
    assert datetime.fromisoformat(shown.pop("createdAt")).tzinfo is not None
    assert shown.pop("number").isdigit()
    assert shown == {
        "id": order_id,
        "email": "sam@example.com",
        "total": 33.5,
        "status": "paid",
        "trackingNumber": None,
        "carrier": None,
        "shippedAt": None,
        "trackingDetails": None,
        "shippingName": "Sam Okafor",
        "shippingAddress": HOME.address,
        "items": [{"productId": product.id, "name": "Stand", "quantity": 2, "price": 14.5, "imageUrl": "/a.webp"}],
    }


def test_orders_page_newest_first(alice: Browser, buyer: Buyer) -> None:
    product, made = make_product(stock=9), []
    for _ in range(3):
        buyer.key = new_key()
        buyer.add(product)
        made.append(buyer.buy().order_id)
    page = alice.get("/api/orders/my-orders?limit=2").json
    assert [order["id"] for order in page["orders"]] == made[:0:-1]
    assert page["pagination"] == {"page": 1, "limit": 2, "total": 3, "totalPages": 2, "hasMore": True}
    last = alice.get("/api/orders/my-orders?limit=2&page=2").json
    assert [order["id"] for order in last["orders"]] == made[:1] and last["pagination"]["hasMore"] is False
    assert alice.get("/api/orders/my-orders?page=9").json["pagination"]["hasMore"] is False


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=x", "page=0", "page=-1", "page=%00", "page=1e3"])
def test_a_page_that_is_none_is_refused(alice: Browser, query: str) -> None:
    answer = alice.get(f"/api/orders/my-orders?{query}")
    assert answer.status_code == 400 and list(answer.json["fields"]) == [query.split("=")[0]]


def test_what_is_known_of_a_parcel_is_told(alice: Browser, buyer: Buyer) -> None:
    buyer.add(make_product())
    order_id = buyer.buy().order_id
    nothing = {"status": None, "estimatedDelivery": None, "events": [], "lastUpdated": None}
    known = alice.get(f"/api/orders/{order_id}/tracking").json
    assert known["tracking"] == nothing and known["status"] == "paid" and known["trackingNumber"] is None
    event = {"date": MOMENT.isoformat(), "status": "InTransit", "location": "Boise, ID", "description": "On its way"}
    with transaction() as session:
        order = session.get_one(Order, order_id)
        order.mark_shipped("usps", "9400", now=MOMENT)
        order.tracking_details, order.tracking_last_sync = {"status": "InTransit", "events": [event]}, MOMENT
    known = alice.get(f"/api/orders/{order_id}/tracking").json
    assert (known["trackingNumber"], known["carrier"], known["status"]) == ("9400", "usps", "shipped")
    assert known["tracking"] == nothing | {
        "status": "InTransit",
        "events": [event],
        "lastUpdated": MOMENT.isoformat(),
    }


def test_another_accounts_orders_are_not_found(alice: Browser, buyer: Buyer, app: Flask) -> None:
    buyer.add(make_product())
    order_id = buyer.buy().order_id
    mallory, guest = Browser(app), Browser(app)
    sign_in(mallory, "mallory")
    assert mallory.get("/api/orders/my-orders").json["orders"] == []
    for path in (f"/api/orders/{order_id}", f"/api/orders/{order_id}/tracking"):
        assert mallory.get(path).status_code == 404
        assert guest.get(path).status_code == 401
    assert mallory.get(f"/api/orders/{2**63}").status_code == 404
    assert guest.get("/api/orders/my-orders").status_code == 401
