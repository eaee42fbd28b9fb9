"""Money that was sent back at Stripe's dashboard reaches the order, its timeline and its buyer, once."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.payments import UnknownPayment, UnreadableAmount
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.core.payment_refund import RefundOutcome
from mountify.models.catalogue import Product
from mountify.models.order import OrderEvent
from mountify.models.payment import AttemptState, Payment, PaymentAttempt, PaymentState, WebhookEvent
from mountify.services import order_sync, refunds, webhooks
from mountify.services.audit import audit
from mountify.services.checkout import Started
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, order_of, stock_of
from tests.fakes import FakeMailer, FakePayments


def intent_of() -> str:
    return db.session.scalars(select(Payment.payment_intent)).one()


def sync(payments: FakePayments, payment_intent: str) -> int:
    order_id = refunds.sync_refunds(payment_intent, payments=payments, site=SITE, now=utcnow())
    db.release()
    return order_id


def timeline(started: Started) -> list[str]:
    mine = select(OrderEvent.kind).where(OrderEvent.order_id == started.order_id).order_by(OrderEvent.id)
    return list(db.session.scalars(mine))


def test_a_part_and_then_the_rest_are_followed_once_each(
    paid: Started, buyer: Buyer, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    run_jobs()
    mailer.sent.clear()
    intent, total = intent_of(), order_of(paid).total
    payments.refund(intent, 500)
    for _ in range(3):
        assert sync(payments, intent) == paid.order_id
    order = order_of(paid)
    assert (order.refunded_total, order.status) == (Money.of("5.00"), OrderStatus.PAID)
    payments.refund(intent, int((total - Money.of("5.00")).amount * 100))
    for _ in range(3):
        sync(payments, intent)
    order = order_of(paid)
    assert (order.refunded_total, order.status) == (total, OrderStatus.REFUNDED)
    assert timeline(paid) == ["placed", "paid", "refund", "refund", "refunded"]
    assert db.session.scalars(select(Payment.state)).one() is PaymentState.REFUNDED
    run_jobs()
    subjects = sorted(mail["subject"] for mail in mailer.sent.values())
    assert len(subjects) == 2 and all(subject.endswith("goes back to you") for subject in subjects)
    assert any("$5.00" in subject for subject in subjects)
    assert {mail["to"] for mail in mailer.sent.values()} == {order.email}
    assert audit(now=utcnow()) == []


def test_what_went_back_is_not_on_the_shelf_again(paid: Started, payments: FakePayments, product: Product) -> None:
    before = stock_of(product)
    payments.refund(intent_of(), 500)
    sync(payments, intent_of())
    assert stock_of(product) == before


def test_a_refund_that_fails_later_does_not_count_any_more(paid: Started, payments: FakePayments) -> None:
    intent = intent_of()
    refund = payments.refund(intent, 500, RefundOutcome.PENDING)
    sync(payments, intent)
    assert order_of(paid).refunded_total == Money.of("5.00")
    payments.change_refund(intent, refund, RefundOutcome.FAILED)
    for _ in range(2):
        sync(payments, intent)
    assert not order_of(paid).refunded_total
    payments.change_refund(intent, refund, RefundOutcome.SUCCEEDED)  # an answer that was under way for long
    sync(payments, intent)
    assert not order_of(paid).refunded_total and timeline(paid)[-2:] == ["refund", "refund_failed"]
    assert audit(now=utcnow()) == []


def test_an_order_whose_refund_is_still_on_its_way_is_not_over(paid: Started, payments: FakePayments) -> None:
    intent, total = intent_of(), order_of(paid).total
    refund = payments.refund(intent, int(total.amount * 100), RefundOutcome.PENDING)
    sync(payments, intent)
    assert (order_of(paid).status, order_of(paid).refunded_total) == (OrderStatus.PAID, total)
    payments.change_refund(intent, refund, RefundOutcome.FAILED)
    sync(payments, intent)
    assert (order_of(paid).status, db.session.scalars(select(Payment.state)).one()) == ("paid", "paid")
    db.release()
    payments.refund(intent, int(total.amount * 100))
    sync(payments, intent)
    assert order_of(paid).status is OrderStatus.REFUNDED


def test_one_that_failed_at_once_tells_the_buyer_nothing(
    paid: Started, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    run_jobs()
    mailer.sent.clear()
    payments.refund(intent_of(), 500, RefundOutcome.FAILED)
    sync(payments, intent_of())
    run_jobs()
    assert not mailer.sent and timeline(paid)[-1] == "refund_failed"


def test_a_refund_of_a_second_payment_leaves_the_order_paid(
    paid: Started, buyer: Buyer, payments: FakePayments
) -> None:
    """Two sessions of one order were paid; the money of one goes back."""
    first = intent_of()
    with_another = buyer.session_of(paid)
    total, attempt_id = order_of(paid).total, second_attempt(paid, with_another)
    with transaction() as session:
        session.add(Payment(attempt_id=attempt_id, payment_intent="pi_second", amount=total, currency="USD"))
    payments.refund("pi_second", int(order_of(paid).total.amount * 100))
    sync(payments, "pi_second")
    order = order_of(paid)
    assert order.status is OrderStatus.PAID and not order.refunded_total and timeline(paid)[-1] == "refund"
    assert first != "pi_second" and audit(now=utcnow()) == []


def test_a_refund_of_a_sum_that_no_book_holds_waits_for_a_person(paid: Started, payments: FakePayments) -> None:
    payments.refund(intent_of(), 10_000_000_000)
    with pytest.raises(UnreadableAmount):
        sync(payments, intent_of())
    assert timeline(paid) == ["placed", "paid"]


def test_a_payment_that_nobody_has_recorded_is_not_known_yet(database: None, payments: FakePayments) -> None:
    payments.refund("pi_nobody", 500)
    with pytest.raises(UnknownPayment):
        sync(payments, "pi_nobody")


@pytest.mark.parametrize(
    "kind", ["charge.refunded", "charge.refund.updated", "refund.created", "refund.updated", "refund.failed"]
)
def test_every_kind_of_news_about_a_refund_is_followed(
    paid: Started, payments: FakePayments, run_jobs: Callable[[], int], kind: str
) -> None:
    run_jobs()
    payments.refund(intent_of(), 500)
    thing = {"id": "re_or_ch", "payment_intent": intent_of()}
    for number in (1, 2):
        event = {"id": f"evt_{number}", "type": kind, "data": {"object": thing}}
        webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=payments, now=utcnow())
    while run_jobs():
        pass
    assert order_of(paid).refunded_total == Money.of("5.00") and timeline(paid)[-1] == "refund"
    assert all(db.session.scalars(select(WebhookEvent.processed_at)))


@pytest.mark.parametrize("payment_intent", [None, 5, {"id": "pi_1"}])
def test_news_of_a_refund_that_names_no_payment_is_stored_and_left(
    paid: Started, payments: FakePayments, run_jobs: Callable[[], int], payment_intent: object
) -> None:
    event = {"id": "evt_1", "type": "charge.refunded", "data": {"object": {"payment_intent": payment_intent}}}
    webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=payments, now=utcnow())
    run_jobs()
    assert all(db.session.scalars(select(WebhookEvent.processed_at))) and not order_of(paid).refunded_total


def test_an_order_that_is_asked_about_hears_of_refunds_whose_news_was_lost(
    paid: Started, payments: FakePayments
) -> None:
    payments.refund(intent_of(), 500)
    number = order_of(paid).number
    order = order_sync.sync_order(number, payments=payments, site=SITE, now=utcnow())
    assert order.refunded_total == Money.of("5.00")


def second_attempt(started: Started, session_id: str) -> int:
    """The order was paid a second time, in a session of an attempt of its own."""
    first = db.session.scalars(select(PaymentAttempt).where(PaymentAttempt.session_id == session_id)).one()
    db.release()
    second = PaymentAttempt(
        order_id=started.order_id, params=first.params, idempotency_key="attempt-second", session_id="cs_test_second",
        state=AttemptState.COMPLETE, expires_at=first.expires_at,
    )  # fmt: skip
    with transaction() as session:
        session.add(second)
        session.flush()
        return second.id
