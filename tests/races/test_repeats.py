"""What is ordered again at the moment at which the first order is settled: it was one wish."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.carts import CartEmpty
from mountify.core.payment_session import SessionOutcome
from mountify.models.catalogue import Product
from mountify.models.order import Order
from mountify.services import settlement
from tests.buyers import SITE, Buyer, stock_of
from tests.factories import new_key
from tests.fakes import FakeMailer, FakePayments
from tests.races.crowd import Observer
from tests.races.judge import assert_one_story
from tests.races.pausing import run_while_held
from tests.web import Browser

pytestmark = pytest.mark.commits


@pytest.mark.parametrize("outcome", [SessionOutcome.PAID, SessionOutcome.PROCESSING])
def test_a_repeat_that_waits_for_the_lock_of_the_cart_while_the_first_is_settled_gets_the_first(
    app: Flask,
    product: Product,
    payments: FakePayments,
    mailer: FakeMailer,
    run_jobs: Callable[[], int],
    observer: Observer,
    outcome: SessionOutcome,
) -> None:
    wish = {"items": [{"productId": product.id, "quantity": 2}], "email": "sam@example.com", "checkoutKey": new_key()}

    def order() -> object:
        return Browser(app).send("POST", "/api/checkout", wish).json

    first = order()
    (session_id,) = payments.sessions
    payments.pay(session_id, outcome=outcome)
    settle = lambda: settlement.sync_session(session_id, payments=payments, site=SITE, now=utcnow())  # noqa: E731
    repeated, order_id = run_while_held("checkout.before_lock", order, [settle], observer)
    assert repeated == first and first == {"orderId": order_id, "url": payments.sessions[session_id].url}
    assert db.session.scalars(select(Order.id)).all() == [order_id]
    assert stock_of(product) == ((3, 0) if outcome is SessionOutcome.PAID else (5, 2))
    while run_jobs():
        pass
    assert_one_story(payments, mailer, stock=5)


@pytest.mark.parametrize("outcome", [SessionOutcome.PAID, SessionOutcome.PROCESSING])
def test_a_checkout_that_waits_for_the_lock_of_the_cart_while_the_first_is_settled_finds_it_empty(
    buyer: Buyer,
    product: Product,
    payments: FakePayments,
    mailer: FakeMailer,
    run_jobs: Callable[[], int],
    observer: Observer,
    outcome: SessionOutcome,
) -> None:
    """A cart that was read before the wait would be sold a second time."""
    session_id = buyer.session_of(buyer.start())
    payments.pay(session_id, outcome=outcome)
    db.release()
    again = lambda: buyer.start(key=new_key())  # noqa: E731
    order_id, refused = run_while_held("settle.before_commit", lambda: buyer.sync(session_id), [again], observer)
    assert isinstance(refused, CartEmpty)
    assert db.session.scalars(select(Order.id)).all() == [order_id]
    assert stock_of(product) == ((3, 0) if outcome is SessionOutcome.PAID else (5, 2))
    while run_jobs():
        pass
    assert_one_story(payments, mailer, stock=5)
