"""Stripe fails in the middle of a refund: before it acted, after it acted, slowly, or it tells us twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.adapters.stripe import RETRIES, StripePayments
from mountify.core.clock import utcnow
from mountify.core.errors.payments import PaymentsUnavailable
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.embedded.processes import wait_until
from mountify.models.email import Email
from mountify.models.order import OrderEvent
from mountify.models.payment import Refund, RefundState
from mountify.services import refund_requests, refund_sending
from mountify.services.checkout import Started
from mountify.services.refund_requests import Wish
from tests.buyers import SITE, Buyer, order_of
from tests.outages.support import FAULTS, Stripe

REFUNDS = "/v1/refunds"


@pytest.fixture
def payments(stripe: Stripe) -> StripePayments:
    return stripe.payments()


@pytest.fixture
def paid(stripe: Stripe, buyer: Buyer, run_jobs: Callable[[], int]) -> Started:
    started = buyer.start()
    stripe.pay(started)
    stripe.tell(run_jobs)
    assert order_of(started).status is OrderStatus.PAID
    return started


def made(stripe: Stripe) -> list[int]:
    """What Stripe has sent back, in cents."""
    return [refund.amount for refund in stripe.client.v1.refunds.list({"limit": 100}).data]


def assert_told_once(stripe: Stripe, started: Started, run_jobs: Callable[[], int], amounts: list[int]) -> None:
    for _ in range(2):  # every delivery comes twice
        stripe.tell(run_jobs)
    assert sorted(made(stripe)) == sorted(amounts)
    refunds = db.session.scalars(select(Refund)).all()
    assert sorted(int(refund.amount.amount * 100) for refund in refunds) == sorted(amounts)
    assert {refund.state for refund in refunds} == {RefundState.SUCCEEDED}
    mails = db.session.scalar(select(func.count()).where(Email.kind == "refunded", Email.state == "sent"))
    events = db.session.scalar(select(func.count()).where(OrderEvent.kind == "refund"))
    assert (mails, events) == (len(amounts), len(amounts))
    db.release()


@pytest.mark.parametrize("times", [1, RETRIES + 1, 2 * RETRIES + 4])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_one_refund_whatever_happens_to_its_request(
    stripe: Stripe, payments: Any, paid: Started, run_jobs: Callable[[], int], fault: dict[str, Any], times: int
) -> None:
    amount = Money.of("5.00")
    refund_id = refund_requests.request(paid.order_id, Wish(amount=amount), now=utcnow())
    stripe.fail(times, REFUNDS, method="POST", **fault)
    for _ in range(2 * times + 2):
        try:
            refund_sending.send(refund_id, payments=payments, site=SITE, now=utcnow())
            break
        except PaymentsUnavailable:
            db.release()
    stripe.heal()
    refund_sending.send(refund_id, payments=payments, site=SITE, now=utcnow())
    db.release()
    assert order_of(paid).refunded_total == amount
    assert_told_once(stripe, paid, run_jobs, [500])


def test_a_refund_that_was_made_while_we_had_stopped_to_wait_is_found(
    stripe: Stripe, buyer: Buyer, paid: Started, run_jobs: Callable[[], int]
) -> None:
    refund_id = refund_requests.request(paid.order_id, Wish(), now=utcnow())
    total = int(order_of(paid).total.amount * 100)
    stripe.fail(1, REFUNDS, method="POST", delay_s=1.0)
    with pytest.raises(PaymentsUnavailable):
        impatient = stripe.payments(read_s=0.3)
        refund_sending.send(refund_id, payments=impatient, site=SITE, now=utcnow())
    db.release()
    stripe.heal()
    assert wait_until(lambda: made(stripe) == [total], 60)
    state = refund_sending.send(refund_id, payments=stripe.payments(), site=SITE, now=utcnow()).state
    db.release()
    assert state is RefundState.SUCCEEDED and made(stripe) == [total]
    assert order_of(paid).status is OrderStatus.REFUNDED
    assert_told_once(stripe, paid, run_jobs, [total])


def test_an_answer_that_was_lost_for_days_is_found_by_its_key(
    stripe: Stripe, payments: Any, paid: Started, run_jobs: Callable[[], int]
) -> None:
    """Stripe keeps keys for a day only; the refund carries ours."""
    refund_id = refund_requests.request(paid.order_id, Wish(amount=Money.of("5.00")), now=utcnow())
    stripe.fail(RETRIES + 1, REFUNDS, method="POST", cut=True)
    with pytest.raises(PaymentsUnavailable):
        refund_sending.send(refund_id, payments=payments, site=SITE, now=utcnow())
    db.release()
    stripe.heal()
    stripe.advance(days=3)
    refund_sending.send(refund_id, payments=payments, site=SITE, now=utcnow())
    db.release()
    assert_told_once(stripe, paid, run_jobs, [500])
