"""An order is shipped by two at once, or while its money goes back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.orders import AlreadyShipped
from mountify.core.errors.payments import AlreadyRefunded
from mountify.core.order_status import OrderStatus
from mountify.models.order import Order, OrderEvent
from mountify.models.payment import Refund
from mountify.services import refund_requests, refund_sending, shipping
from mountify.services.audit import audit
from mountify.services.checkout import Started
from mountify.services.refund_requests import Wish
from tests.buyers import SITE, order_of
from tests.desk import log_of, somebody
from tests.fakes import FakePayments
from tests.letters import letters
from tests.races.crowd import Observer, at_once
from tests.races.pausing import run_while_held

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("no_deadlock")]
UPS, OTHER = "1Z5R89390357567127", "1Z879E930346834440"


def shipper(started: Started, name: str, number: str = UPS) -> Callable[[], Order]:
    who = somebody(name)
    db.release()
    return lambda: shipping.ship(who, started.order_id, "ups", number, site=SITE, now=utcnow())


def assert_shipped_once(started: Started) -> None:
    order = order_of(started)
    assert order.status is OrderStatus.SHIPPED and order.tracking_number in (UPS, OTHER)
    assert list(db.session.scalars(select(OrderEvent.kind))).count("shipped") == 1
    shipped = [action for action, _changes in log_of("orders") if action == "order.shipped"]
    assert len(letters("shipped")) == len(shipped) == 1
    assert str(order.tracking_number) in letters("shipped")[0].text
    db.release()
    assert audit(now=utcnow()) == []


@pytest.mark.parametrize("point", ["shipping.locked", "shipping.before_commit"])
def test_two_who_ship_an_order_send_one_parcel(paid: Started, observer: Observer, point: str) -> None:
    first, rival = shipper(paid, "ada"), shipper(paid, "stan", OTHER)
    results = run_while_held(point, first, [rival], observer)
    assert isinstance(results[0], Order) and isinstance(results[1], AlreadyShipped)
    assert_shipped_once(paid)


def test_many_clicks_at_once_ship_once(paid: Started) -> None:
    results = at_once([shipper(paid, "ada") for _ in range(6)])
    assert all(isinstance(result, Order) for result in results), results
    assert_shipped_once(paid)


@pytest.mark.parametrize("point", ["shipping.locked", "shipping.before_commit"])
def test_a_refund_waits_until_the_parcel_is_on_its_way(
    paid: Started, payments: FakePayments, observer: Observer, point: str
) -> None:
    def refund() -> int:
        return refund_requests.request(paid.order_id, Wish(), now=utcnow())

    results = run_while_held(point, shipper(paid, "ada"), [refund], observer)
    assert isinstance(results[0], Order) and isinstance(results[1], int)
    assert_shipped_once(paid)
    refund_sending.send(results[1], payments=payments, site=SITE, now=utcnow())
    assert order_of(paid).status is OrderStatus.REFUNDED


def test_what_is_asked_back_first_is_not_shipped(paid: Started, observer: Observer) -> None:
    def refund() -> int:
        return refund_requests.request(paid.order_id, Wish(), now=utcnow())

    results = run_while_held("refund.requested", refund, [shipper(paid, "ada")], observer)
    assert isinstance(results[0], int) and isinstance(results[1], AlreadyRefunded)
    assert order_of(paid).status is OrderStatus.PAID and letters("shipped") == []
    assert len(db.session.scalars(select(Refund)).all()) == 1
    db.release()
