"""Stripe fails in the middle of a checkout: before it acted, after it acted, or nobody knows."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mountify import db
from mountify.adapters.stripe import RETRIES, StripePayments
from mountify.core.clock import utcnow
from mountify.core.errors.payments import PaymentsUnavailable
from mountify.core.order_status import OrderStatus
from mountify.embedded.processes import wait_until
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.models.payment import PaymentAttempt
from mountify.services import cart_view, carts, payment_sessions
from mountify.services.checkout import Started
from tests.buyers import SITE, Buyer, order_of, stock_of
from tests.outages.support import CREATE, FAULTS, Stripe
from tests.web import Browser, field, words

LATER = timedelta(minutes=36)


@pytest.fixture
def payments(stripe: Stripe) -> StripePayments:
    return stripe.payments()


def submit(buyer: Buyer) -> Started | None:
    """Send the checkout's form, whatever comes of it."""
    try:
        return buyer.start()
    except PaymentsUnavailable:
        return None


def orders() -> list[Order]:
    db.release()
    return list(db.session.scalars(select(Order).order_by(Order.id)))


def assert_whole(stripe: Stripe, buyer: Buyer, product: Product) -> None:
    """One session at most for each attempt; what waits holds its parts and can be paid, the rest holds nothing."""
    at_stripe = stripe.sessions_of_orders()
    attempts = db.session.scalars(select(PaymentAttempt)).all()
    assert len({attempt.order_id for attempt in attempts}) == len(attempts) == len(orders())
    assert all(at_stripe[attempt.order_id] <= 1 for attempt in attempts)
    assert set(at_stripe) <= {order.id for order in orders()}
    pending = [order for order in orders() if order.is_pending]
    assert {order.status for order in orders()} <= {OrderStatus.PENDING, OrderStatus.CANCELLED}
    assert len(pending) <= 1
    for order in pending:
        known = {session.id for session in stripe.sessions() if session.client_reference_id == str(order.id)}
        assert {order.stripe_session_id} - {None} <= known
    assert stock_of(product) == (5, 2 * len(pending)) and carts.count(buyer.owner) == 2


@pytest.mark.parametrize("times", [1, RETRIES, RETRIES + 2])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_one_session_for_each_attempt_and_one_order_paid(
    stripe: Stripe, payments: Any, buyer: Buyer, product: Product, run_jobs: Callable[[], int],
    fault: dict[str, Any], times: int,
) -> None:  # fmt: skip
    stripe.fail(times, **fault)
    first = submit(buyer)
    left = stripe.faults()
    stripe.heal()
    assert_whole(stripe, buyer, product)
    for waiting in left:
        stripe.fail(waiting["times"], **fault)
    started = next(found for found in (submit(buyer) for _ in range(times + 1)) if found)
    if first is not None:
        assert started == first
    stripe.heal()
    assert_whole(stripe, buyer, product)
    assert order_of(started).status is OrderStatus.PENDING

    stripe.pay(started)
    stripe.advance(minutes=36)
    assert {session.status for session in stripe.sessions()} <= {"complete", "expired"}
    stripe.tell(run_jobs)
    assert payment_sessions.end_overdue(payments=payments, site=SITE, now=utcnow() + LATER).done == 0
    paid = [order.id for order in orders() if order.status is OrderStatus.PAID]
    assert paid == [started.order_id] and not [order for order in orders() if order.is_pending]
    assert stock_of(product) == (3, 0) and cart_view.get_view(buyer.owner).is_empty
    assert sorted(db.session.scalars(select(Email.kind))) == ["confirmed", "merchant"]


def test_a_stripe_that_answers_too_late_has_made_one_session_for_each_attempt(
    stripe: Stripe, payments: Any, buyer: Buyer, product: Product, run_jobs: Callable[[], int]
) -> None:
    """Our patience ends, Stripe's work does not: it makes sessions that we have stopped to wait for."""
    buyer.payments = stripe.payments(read_s=0.3)
    stripe.fail(RETRIES + 2, delay_s=1.5)
    submit(buyer)
    submit(buyer)
    stripe.heal()
    buyer.payments = payments
    assert wait_until(lambda: set(stripe.sessions_of_orders()) == {order.id for order in orders()}, 20)
    started = buyer.start()
    assert_whole(stripe, buyer, product)
    stripe.pay(started)
    stripe.advance(minutes=36)
    stripe.tell(run_jobs)
    assert [order.id for order in orders() if order.status is OrderStatus.PAID] == [started.order_id]
    assert not [order for order in orders() if order.is_pending]
    assert stock_of(product) == (3, 0)


@pytest.mark.commits
def test_who_submits_twice_while_stripe_is_slow_keeps_the_order(stripe: Stripe, buyer: Buyer, product: Product) -> None:
    """Stripe refuses the second request because it works on the first: that ends nothing."""
    stripe.fail(delay_s=1.5)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(buyer.start)
        assert wait_until(lambda: not stripe.faults(), 20)
        second = submit(buyer)
        started = first.result()
    assert second in (None, started)
    assert buyer.start() == started
    (order,) = orders()
    assert order.status is OrderStatus.PENDING and len(stripe.sessions()) == 1


def test_a_session_nobody_was_told_of_is_known_when_it_is_paid(
    stripe: Stripe, payments: Any, buyer: Buyer, product: Product, run_jobs: Callable[[], int]
) -> None:
    stripe.fail(RETRIES + 1, status=500, after=True)
    assert submit(buyer) is None
    stripe.heal()
    (session,) = stripe.sessions()
    assert [order.status for order in orders()] == [OrderStatus.CANCELLED]
    stripe.sandbox.pay(session)
    stripe.tell(run_jobs)
    (order,) = orders()
    assert (order.status, order.paid_session) == (OrderStatus.PAID, session.id)
    assert stock_of(product) == (3, 0)


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 500, "after": True}, {"cut": True}, {"status": 429}])
def test_an_order_ends_when_stripe_has_said_so_and_not_before(
    stripe: Stripe, payments: Any, buyer: Buyer, product: Product, fault: dict[str, Any]
) -> None:
    started = buyer.start()
    session_id = buyer.session_of(started)
    stripe.fail(RETRIES + 1, f"{CREATE}/{session_id}/expire", **fault)

    def end() -> int:
        return payment_sessions.end_overdue(payments=payments, site=SITE, now=utcnow() + LATER).done

    assert end() == 0
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.PENDING, (5, 2))
    stripe.heal()
    stripe.fail(RETRIES + 1, f"{CREATE}/{session_id}", status=500)  # what has become of it is not told either
    assert end() == 0
    stripe.heal()
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.PENDING, (5, 2))
    assert end() == 1
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.EXPIRED, (5, 0))


def test_sessions_that_stripe_says_nothing_about_hold_up_no_others(
    stripe: Stripe, payments: Any, product: Product
) -> None:
    """Stripe repeats an error of its own under the same key for a day: https://docs.stripe.com/api/idempotent_requests"""
    buyers = [Buyer(payments) for _ in range(3)]
    for buyer in buyers:
        buyer.add(product, 1)
    started = [buyer.start() for buyer in buyers]
    stuck = buyers[0].session_of(started[0])
    stripe.fail(50, f"{CREATE}/{stuck}", status=500)
    assert payment_sessions.end_overdue(payments=payments, site=SITE, now=utcnow() + LATER).done == 2
    stripe.heal()
    assert [order_of(one).status for one in started] == [
        OrderStatus.PENDING,
        OrderStatus.EXPIRED,
        OrderStatus.EXPIRED,
    ]
    assert payment_sessions.end_overdue(payments=payments, site=SITE, now=utcnow() + LATER).done == 1
    assert stock_of(product) == (5, 0)


@pytest.fixture
def at_stripe(browser: Browser, stripe: Stripe, product: Product) -> str:
    """The address of Stripe's page for somebody who has gone through the shop's."""
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    form = {"email": "sam@example.com", "checkout_key": field(browser.get("/checkout"), "checkout_key")}
    return str(browser.post("/checkout", form).headers["Location"])


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 429}, {"cut": True}])
def test_who_comes_back_from_paying_is_told_that_it_is_being_confirmed(
    stripe: Stripe, browser: Browser, at_stripe: str, fault: dict[str, Any]
) -> None:
    paid = stripe.sandbox.post(at_stripe, stripe.sandbox.get(at_stripe).form())
    success = paid.location.split("3999", 1)[1]
    stripe.fail(2 * (RETRIES + 1), **fault)
    for answer in (browser.get(success), browser.htmx("GET", success)):
        assert answer.status_code == 200 and "Waiting for your bank" in words(answer)
    stripe.heal()
    assert "Your order is confirmed." in words(browser.get(success))


def test_who_comes_back_without_paying_while_stripe_is_away_loses_nothing(
    stripe: Stripe, browser: Browser, at_stripe: str, product: Product
) -> None:
    cancel = stripe.client.v1.checkout.sessions.retrieve(at_stripe.rsplit("/", 1)[1]).cancel_url.split("3999", 1)[1]
    stripe.fail(RETRIES + 1, status=500)
    answer = browser.get(cancel)
    assert answer.status_code == 503 and "could not reach the payment service" in words(answer)
    assert stock_of(product) == (5, 2)
    assert "2 parts" in words(browser.get("/cart"))
    stripe.heal()
    assert "Nothing was charged" in words(browser.get(cancel))
    assert stock_of(product) == (5, 0)
