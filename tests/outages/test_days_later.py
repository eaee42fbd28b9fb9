"""Bank debits at a Stripe that speaks its own protocol: completed today, paid or failed days later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mountify import db
from mountify.adapters.stripe import StripePayments
from mountify.core.clock import utcnow
from mountify.core.order_status import OrderStatus
from mountify.models.catalogue import Product
from mountify.models.order import OrderEvent
from mountify.services import cart_view, payment_sessions, webhooks
from mountify.services.audit import audit
from mountify.services.checkout import Started
from tests.buyers import SITE, Buyer, order_of, stock_of
from tests.fakes import FakeMailer
from tests.outages.support import CREATE, Stripe, release
from tests.web import Browser, field, words

DAYS = timedelta(days=4)


@pytest.fixture
def payments(stripe: Stripe) -> StripePayments:
    return stripe.payments()


@pytest.fixture
def debited(stripe: Stripe, buyer: Buyer) -> Started:
    """Somebody has chosen to pay by bank debit, and Stripe waits for the bank."""
    started = buyer.start()
    assert "/checkout/success" in stripe.pay(started, payment_method="bank_debit")
    return started


def settle(stripe: Stripe, started: Started, result: str) -> None:
    """The bank answers, days later."""
    stripe.advance(days=4)
    session_id = started.url.rsplit("/", 1)[1]
    page = stripe.sandbox.post(f"/dashboard/sessions/{session_id}/settlement", {"result": result})
    assert page.status == 303


def clean_at(now: datetime) -> bool:
    try:
        return audit(now=now) == []
    finally:
        db.release()


def told(mailer: FakeMailer) -> Counter[str]:
    return Counter(key.split(":")[0] for key in mailer.sent)


def assert_held(started: Started, product: Product, payments: Any, now: datetime) -> None:
    """Waiting, for as long as it takes: its time to pay is over, and it is not overdue."""
    assert payment_sessions.end_overdue(payments=payments, site=SITE, now=now).done == 0
    assert payment_sessions.sync_delayed(payments=payments, site=SITE, now=now).done == 1
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.PENDING, (5, 2))
    assert clean_at(now)


def test_money_on_its_way_is_waited_for_and_settles(
    stripe: Stripe, payments: Any, debited: Started, buyer: Buyer, product: Product, mailer: FakeMailer,
    run_jobs: Callable[[], int],
) -> None:  # fmt: skip
    stripe.tell(run_jobs)
    assert cart_view.get_view(buyer.owner).is_empty and told(mailer) == {"payment_pending": 1}
    for later in (timedelta(minutes=36), timedelta(days=1), DAYS):
        assert_held(debited, product, payments, utcnow() + later)
    settle(stripe, debited, "succeed")
    for _ in range(3):
        stripe.tell(run_jobs)
    assert (order_of(debited).status, stock_of(product)) == (OrderStatus.PAID, (3, 0))
    assert told(mailer) == {"payment_pending": 1, "confirmed": 1, "merchant": 1} and mailer.calls == 3
    assert clean_at(utcnow() + DAYS)


def test_money_that_does_not_come_after_days_releases(
    stripe: Stripe, payments: Any, debited: Started, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    stripe.tell(run_jobs)
    assert_held(debited, product, payments, utcnow() + DAYS)
    settle(stripe, debited, "fail")
    for _ in range(3):
        stripe.tell(run_jobs)
    assert (order_of(debited).status, stock_of(product)) == (OrderStatus.CANCELLED, (5, 0))
    assert told(mailer) == {"payment_pending": 1, "payment_failed": 1} and mailer.calls == 2
    kinds = db.session.scalars(select(OrderEvent.kind).order_by(OrderEvent.id)).all()
    assert kinds == ["placed", "payment_pending", "cancelled"]


@pytest.mark.parametrize(
    ("result", "status", "stock"), [("succeed", OrderStatus.PAID, (3, 0)), ("fail", OrderStatus.CANCELLED, (5, 0))]
)
def test_what_no_webhook_told_is_found_by_asking(
    stripe: Stripe, payments: Any, debited: Started, buyer: Buyer, product: Product, mailer: FakeMailer,
    run_jobs: Callable[[], int], result: str, status: OrderStatus, stock: tuple[int, int],
) -> None:  # fmt: skip
    buyer.sync(buyer.session_of(debited))
    settle(stripe, debited, result)
    later = utcnow() + DAYS
    stripe.fail(50, f"{CREATE}/{buyer.session_of(debited)}", status=500)
    assert payment_sessions.sync_delayed(payments=payments, site=SITE, now=later).done == 0
    assert (order_of(debited).status, stock_of(product)) == (OrderStatus.PENDING, (5, 2))
    stripe.heal()
    assert payment_sessions.sync_delayed(payments=payments, site=SITE, now=later).done == 1
    assert payment_sessions.sync_delayed(payments=payments, site=SITE, now=later).done == 0
    assert (order_of(debited).status, stock_of(product)) == (status, stock)
    stripe.tell(run_jobs)  # and now it is told after all
    assert (order_of(debited).status, stock_of(product)) == (status, stock)
    assert all(count == 1 for count in told(mailer).values()) and mailer.calls == len(mailer.sent)


def test_money_on_its_way_to_an_order_that_was_released_meanwhile_is_found_by_asking(
    stripe: Stripe, payments: Any, debited: Started, product: Product, run_jobs: Callable[[], int]
) -> None:
    """Its session is older than what is compared, and nobody tells of its end."""
    release(debited.order_id)
    stripe.tell(run_jobs)
    settle(stripe, debited, "succeed")
    assert payment_sessions.sync_delayed(payments=payments, site=SITE, now=utcnow() + DAYS).done == 1
    assert payment_sessions.sync_delayed(payments=payments, site=SITE, now=utcnow() + DAYS).done == 0
    assert (order_of(debited).status, stock_of(product)) == (OrderStatus.PAID, (3, 0))


def test_what_was_told_too_late_and_in_the_wrong_order_tells_the_buyer_once(
    stripe: Stripe, payments: Any, debited: Started, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    settle(stripe, debited, "succeed")
    for delivery in reversed(stripe.deliveries()):
        webhooks.receive_stripe(*delivery, payments=payments, now=utcnow())
    while run_jobs():
        pass
    assert (order_of(debited).status, stock_of(product)) == (OrderStatus.PAID, (3, 0))
    assert told(mailer) == {"confirmed": 1, "merchant": 1}


def test_the_buyer_sees_on_the_page_how_it_stands(
    stripe: Stripe, browser: Browser, product: Product, run_jobs: Callable[[], int]
) -> None:
    browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    form = {"email": "sam@example.com", "checkout_key": field(browser.get("/checkout"), "checkout_key")}
    started = Started(0, str(browser.post("/checkout", form).headers["Location"]))
    success = stripe.pay(started, payment_method="bank_debit").split("3999", 1)[1]
    stripe.tell(run_jobs)
    assert "Waiting for your bank" in words(browser.get(success))
    settle(stripe, started, "succeed")
    assert "Your order is confirmed." in words(browser.get(success))
