"""Stripe fails while money that cannot be kept goes back, while a dispute is read, and while all is compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.adapters.stripe import RETRIES, StripePayments
from mountify.core.clock import utcnow
from mountify.core.errors.payments import PaymentsUnavailable
from mountify.core.order_status import OrderStatus
from mountify.models.attention import AttentionNote
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.payment import Dispute, Refund, RefundState
from mountify.queue import OVERDUE_AFTER
from mountify.services import reconcile, refund_sending, webhooks
from mountify.services.audit import audit
from mountify.services.checkout import Started
from tests.buyers import SITE, Buyer, order_of
from tests.outages.support import FAULTS, Stripe, release
from tests.refunding import timeline

SLOW = {"delay_s": 1.0}  # longer than the shop waits here
EVERY_FAULT = {**FAULTS, "slow": SLOW}
SILENT = 2 * RETRIES + 3  # the shop gives up twice before Stripe answers


@pytest.fixture
def payments(stripe: Stripe) -> StripePayments:
    return stripe.payments(read_s=0.4)


@pytest.fixture
def late(stripe: Stripe, buyer: Buyer, product: Product, payments: Any, run_jobs: Callable[[], int]) -> Started:
    """An order whose parts somebody else has got, and that is paid now."""
    late = buyer.start()
    release(late.order_id)
    quick = Buyer(payments)
    quick.add(product, 4)
    stripe.pay(quick.start())
    stripe.tell(run_jobs)
    stripe.pay(late)
    return late


def work_on(run_jobs: Callable[[], int]) -> None:
    """Work until nothing is left, as the worker and the sweeper do, however often Stripe does not answer."""
    for _ in range(2 * SILENT):
        try:
            while run_jobs():
                pass
        except PaymentsUnavailable:
            pass
        db.release()
        soon = utcnow() + OVERDUE_AFTER + timedelta(seconds=1)
        if not sum(service.requeue_overdue(now=soon) for service in (webhooks, refund_sending)):
            return
    raise AssertionError("there is still something to do")


def receive(stripe: Stripe) -> None:
    """Every delivery there is, twice."""
    for delivery in (*stripe.deliveries(), *stripe.deliveries()):
        webhooks.receive_stripe(*delivery, payments=stripe.payments(), now=utcnow())
    db.release()


def count(*which: Any) -> int:
    try:
        return db.session.scalar(select(func.count()).where(*which)) or 0
    finally:
        db.release()


@pytest.mark.parametrize("fault", EVERY_FAULT.values(), ids=EVERY_FAULT.keys())
def test_what_cannot_be_kept_goes_back_once_whatever_happens_on_the_way(
    stripe: Stripe, late: Started, run_jobs: Callable[[], int], fault: dict[str, Any]
) -> None:
    receive(stripe)
    stripe.fail(SILENT, "/v1/refunds", method="POST", **fault)
    work_on(run_jobs)
    assert all(fault["times"] < SILENT for fault in stripe.faults())  # it failed; what it did all the same was found
    stripe.heal()
    receive(stripe)
    work_on(run_jobs)
    (refund,) = stripe.client.v1.refunds.list().data
    assert refund.amount == int(order_of(late).total.amount * 100)
    assert list(db.session.scalars(select(Refund.state))) == [RefundState.SUCCEEDED]
    assert order_of(late).status is OrderStatus.CANCELLED
    assert timeline(late) == ["placed", "cancelled", "payment_unsettled", "refund"]
    assert count(Email.order_id == late.order_id, Email.state == "sent") == 1
    assert count(AttentionNote.order_id == late.order_id) == 1 and audit(now=utcnow()) == []


@pytest.mark.parametrize("fault", EVERY_FAULT.values(), ids=EVERY_FAULT.keys())
def test_a_dispute_is_recorded_once_whatever_happens_while_it_is_read(
    stripe: Stripe, buyer: Buyer, run_jobs: Callable[[], int], fault: dict[str, Any]
) -> None:
    started = buyer.start()
    stripe.pay(started)
    stripe.tell(run_jobs)
    dispute(stripe, started)
    receive(stripe)
    stripe.fail(SILENT, "/v1/disputes", **fault)
    work_on(run_jobs)
    assert stripe.faults() == [] and timeline(started) == ["placed", "paid", "dispute"]
    assert count(Dispute.id.is_not(None)) == count(AttentionNote.order_id == started.order_id) == 1


def dispute(stripe: Stripe, started: Started) -> None:
    session = stripe.client.v1.checkout.sessions.retrieve(started.url.rsplit("/", 1)[1], {"expand": ["payment_intent"]})
    assert stripe.sandbox.post(f"/dashboard/charges/{session.payment_intent.latest_charge}/disputes", {}).status == 303  # type: ignore[union-attr]


@pytest.mark.parametrize("listed", ["/v1/checkout/sessions", "/v1/refunds", "/v1/disputes"])
@pytest.mark.parametrize("fault", EVERY_FAULT.values(), ids=EVERY_FAULT.keys())
def test_a_comparison_that_was_cut_short_says_so_and_the_next_one_does_the_rest(
    stripe: Stripe, payments: Any, late: Started, run_jobs: Callable[[], int], fault: dict[str, Any], listed: str
) -> None:
    stripe.fail(RETRIES + 1, listed, method="GET", **fault)
    with pytest.raises(PaymentsUnavailable):
        compare(payments)
    db.release()
    stripe.heal()
    report = compare(payments)
    assert report.is_clean and report.compared
    work_on(run_jobs)
    compare(payments)
    assert compare(payments).repaired == []
    assert timeline(late) == ["placed", "cancelled", "payment_unsettled", "refund"]
    assert count(AttentionNote.order_id == late.order_id) == 1 and audit(now=utcnow()) == []


def compare(payments: Any) -> reconcile.Report:
    now = utcnow()
    report = reconcile.reconcile(since=now - reconcile.REACH, payments=payments, site=SITE, now=now)
    db.release()
    return report
