"""What is to be shipped and what was, for programs."""

from __future__ import annotations

import pytest

from mountify.services.checkout import Started
from tests.buyers import Buyer, order_of
from tests.desk import Desk, log_of
from tests.letters import letters

UPS, OTHER = "1Z5R89390357567127", "1Z879E930346834440"


def at(started: Started) -> str:
    return f"/api/admin/orders/{started.order_id}/ship"


def test_a_program_ships_an_order(ada: Desk, paid: Started) -> None:
    answer = ada.ask("POST", at(paid), {"trackingNumber": "1z5r 8939 0357567127", "carrier": "ups"})
    order = order_of(paid)
    assert order.shipped_at is not None
    assert answer.status_code == 200 and answer.json == {
        "message": f"Order {order.number} is shipped.",
        "order": {
            "id": paid.order_id,
            "status": "shipped",
            "tracking_number": UPS,
            "carrier": "ups",
            "shipped_at": order.shipped_at.isoformat(),
        },
        "trackingAvailable": True,
    }
    again = ada.ask("POST", at(paid), {"trackingNumber": UPS, "carrier": "ups"})
    assert again.json == answer.json and len(letters("shipped")) == len(log_of("orders")) == 1
    other = ada.ask("POST", at(paid), {"trackingNumber": OTHER, "carrier": "ups"})
    assert other.status_code == 409 and order_of(paid).tracking_number == UPS


@pytest.mark.parametrize("carrier", ["11031", 11031])
def test_any_carrier_of_17track_will_do(ada: Desk, paid: Started, carrier: object) -> None:
    answer = ada.ask("POST", at(paid), {"trackingNumber": "RB123456785GB", "carrier": carrier}).json
    assert answer["order"]["carrier"] == "11031" and answer["trackingAvailable"] is False


def test_nobody_is_told_when_that_is_wished(ada: Desk, paid: Started) -> None:
    assert ada.ask("POST", at(paid), {"trackingNumber": UPS, "carrier": "ups", "mail": False}).status_code == 200
    assert letters("shipped") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "carrier"),
        ({"carrier": "ups"}, "trackingNumber"),
        ({"carrier": "ups", "trackingNumber": 12345}, "trackingNumber"),
        ({"carrier": "ups", "trackingNumber": None}, "trackingNumber"),
        ({"carrier": "ups", "trackingNumber": "1Z"}, "trackingNumber"),
        ({"carrier": "ups", "trackingNumber": "1Z\x00"}, "trackingNumber"),
        ({"carrier": "pigeon", "trackingNumber": UPS}, "carrier"),
        ({"carrier": True, "trackingNumber": UPS}, "carrier"),
        ({"carrier": 2**70, "trackingNumber": UPS}, "carrier"),
        ({"carrier": -1, "trackingNumber": UPS}, "carrier"),
        ({"carrier": "ups", "trackingNumber": UPS, "mail": "yes"}, "mail"),
    ],
)
def test_what_does_not_hold_is_refused_by_field(ada: Desk, paid: Started, body: dict[str, object], field: str) -> None:
    answer = ada.ask("POST", at(paid), body)
    assert answer.status_code == 400 and field in answer.json["fields"]
    assert order_of(paid).is_to_ship and letters("shipped") == []


def test_only_what_is_paid_is_shipped(ada: Desk, buyer: Buyer) -> None:
    good = {"trackingNumber": UPS, "carrier": "ups"}
    answer = ada.ask("POST", at(buyer.start()), good)
    assert answer.status_code == 409 and "is pending" in answer.json["error"]
    assert ada.ask("POST", f"/api/admin/orders/{2**63 - 1}/ship", good).status_code == 404


def test_what_waits_comes_before_what_is_on_its_way(ada: Desk, paid: Started, buyer: Buyer) -> None:
    buyer.key = "another-key-of-the-checkout-form-0123456789"
    ada.ask("POST", at(paid), {"trackingNumber": UPS, "carrier": "ups"})
    listed = ada.ask("GET", "/api/admin/shipping").json
    (order,) = listed["orders"]
    assert (order["id"], order["status"], order["trackingNumber"]) == (paid.order_id, "shipped", UPS)
    assert order["trackingUrl"].endswith(UPS) and order["shippingAddress"]["city"] == "Portland"
    assert order["items"][0]["quantity"] == 2 and order["shippedAt"] and order["paidAt"]
    assert listed["pagination"] == {"page": 1, "limit": 12, "total": 1, "totalPages": 1, "hasMore": False}
    assert ada.ask("GET", "/api/admin/shipping?page=0").status_code == 400
