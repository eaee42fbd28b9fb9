"""Orders, kept by programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.order_status import OrderStatus
from mountify.models.catalogue import Product
from mountify.models.order import Order
from mountify.models.payment import Refund
from mountify.services.checkout import Started
from mountify.transaction import transaction
from tests.buyers import Buyer, order_of, stock_of
from tests.desk import Desk

PATH = "/api/admin/orders"


def path_of(started: Started) -> str:
    return f"{PATH}/{started.order_id}"


def count_refunds() -> int:
    count = len(db.session.scalars(select(Refund.id)).all())
    db.release()
    return count


def test_a_program_lists_and_reads_orders(ada: Desk, paid: Started) -> None:
    answer = ada.ask("GET", PATH).json
    (row,) = answer["orders"]
    order = order_of(paid)
    assert row.pop("createdAt") == order.created_at.isoformat()
    assert row == {
        "id": order.id, "number": order.number, "email": "sam@example.com", "total": 32.5, "status": "paid",
        "itemCount": 2,
    }  # fmt: skip
    assert answer["pagination"] == {"page": 1, "limit": 12, "total": 1, "totalPages": 1, "hasMore": False}
    one = ada.ask("GET", path_of(paid)).json["order"]
    assert one["items"][0]["quantity"] == 2 and one["shippingAddress"]["city"] == "Portland"
    assert "note" not in one and ada.ask("GET", f"{PATH}/{2**63 - 1}").status_code == 404
    for query, count in (("?status=paid&q=sam@", 1), ("?status=shipped", 0), ("?to=2020-01-01", 0)):
        assert ada.ask("GET", PATH + query).json["pagination"]["total"] == count, query
    for odd in ("?status=lost", "?from=yesterday", "?to=0001-01-01", "?page=0", "?limit=51"):
        assert ada.ask("GET", PATH + odd).status_code == 400, odd


def test_a_status_is_written_where_that_is_what_does_it(ada: Desk, buyer: Buyer, product: Product) -> None:
    started = buyer.start()
    for body in ({}, {"status": "lost"}, {"status": 1}, {"status": ["paid"]}):
        assert ada.ask("PUT", path_of(started), body).status_code == 400, body
    early = ada.ask("PUT", path_of(started), {"status": "delivered"})
    assert early.status_code == 409 and stock_of(product) == (5, 2)
    answer = ada.ask("PUT", path_of(started), {"status": "cancelled"})
    assert (answer.status_code, answer.json["order"]["status"]) == (200, "cancelled")
    assert stock_of(product) == (5, 0)


def test_a_paid_order_is_changed_by_other_routes(ada: Desk, paid: Started) -> None:
    for status, route in (("cancelled", "refund"), ("refunded", "refund"), ("shipped", "ship")):
        answer = ada.ask("PUT", path_of(paid), {"status": status})
        assert answer.status_code == 409 and f"/api/admin/orders/{{id}}/{route}" in answer.json["error"], status
    assert "time alone" in ada.ask("PUT", path_of(paid), {"status": "expired"}).json["error"]
    with transaction() as session:
        session.get_one(Order, paid.order_id).mark_shipped("ups", "1Z5R89390357567127", now=utcnow())
    assert ada.ask("PUT", path_of(paid), {"status": "delivered"}).json["order"]["status"] == "delivered"


def test_a_part_goes_back_and_then_the_rest(
    ada: Desk, paid: Started, product: Product, run_jobs: Callable[[], int]
) -> None:
    path = f"{path_of(paid)}/refund"
    parts = [{"productId": product.id, "quantity": 1}]
    answer = ada.ask("POST", path, {"amount": 5, "restock": parts})
    assert answer.status_code == 200 and answer.json["refund"]["amount"] == 5.0
    assert answer.json["refund"]["status"] == "created" and answer.json["order"]["id"] == paid.order_id
    run_jobs()
    assert stock_of(product) == (4, 0)
    assert ada.ask("POST", path, {"restock": True}).json["refund"]["amount"] == 27.5
    run_jobs()
    assert order_of(paid).status is OrderStatus.REFUNDED and stock_of(product) == (5, 0)
    assert ada.ask("POST", path).status_code == 409


BAD: list[Any] = [
    {"amount": "1.299,00"}, {"amount": -1}, {"amount": 0}, {"amount": 1e30}, {"amount": 5.001}, {"amount": True},
    {"amount": [5]}, {"restock": "yes"}, {"restock": 1}, {"restock": [1]}, {"restock": [{"productId": "1"}]},
    {"restock": [{"productId": True, "quantity": 1}]}, [],
]  # fmt: skip


@pytest.mark.parametrize("body", BAD, ids=str)
def test_what_does_not_hold_is_refused(ada: Desk, paid: Started, body: Any) -> None:
    assert ada.ask("POST", f"{path_of(paid)}/refund", body).status_code == 400
    assert count_refunds() == 0


def test_more_than_there_is_does_not_go_back(ada: Desk, paid: Started, product: Product) -> None:
    for body in ({"amount": 32.51}, {"restock": [{"productId": product.id, "quantity": 3}]}):
        assert ada.ask("POST", f"{path_of(paid)}/refund", body).status_code == 409, body
    assert count_refunds() == 0


def test_a_refund_is_the_admins_and_needs_a_proof(
    app: Flask, ada: Desk, paid: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Desk(app, "stan").ask("POST", f"{path_of(paid)}/refund", {}).status_code == 403
    monkeypatch.setattr("mountify.web.auth.PROOF_LASTS_S", -1)
    answer = ada.ask("POST", f"{path_of(paid)}/refund", {})
    assert answer.status_code == 403 and "show once more that it is you" in answer.json["error"]
    assert count_refunds() == 0
