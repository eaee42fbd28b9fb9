"""The inbox: what Stripe tells is stored, and done once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from procrastinate.exceptions import ConnectorException
from sqlalchemy import func, select, text

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.payments import (
    BadSignature,
    PaymentRefused,
    PaymentsUnavailable,
    UnknownPayment,
    UnknownSession,
    UnreadableAmount,
)
from mountify.core.order_status import OrderStatus
from mountify.models.catalogue import Inventory
from mountify.models.order import Order
from mountify.models.payment import Payment, WebhookEvent
from mountify.services import attention, payment_sessions, webhooks
from mountify.services.audit import audit
from mountify.services.orders import list_events, was_charged
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer
from tests.factories import make_product, make_shop
from tests.fakes import FakeMailer, FakePayments


@pytest.fixture
def session_id(database: None, payments: FakePayments) -> str:
    """A session that its shopper has paid."""
    make_shop()
    buyer = Buyer(payments)
    buyer.add(make_product(), 2)
    session_id = buyer.session_of(buyer.start())
    payments.pay(session_id)
    return session_id


def deliver(payments: FakePayments, session_id: str, kind: str = "completed", event_id: str = "evt_1") -> None:
    event = {"id": event_id, "type": f"checkout.session.{kind}", "data": {"object": {"id": session_id}}}
    webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=payments, now=utcnow())


def only_event() -> WebhookEvent:
    db.release()
    return db.session.scalars(select(WebhookEvent)).one()


def count(model: type[Payment] | type[WebhookEvent]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_a_payment_is_settled_once_however_often_it_is_told(
    session_id: str, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    for event_id in ("evt_1", "evt_1", "evt_2", "evt_1"):
        deliver(payments, session_id, event_id=event_id)
    while run_jobs():
        pass
    assert count(WebhookEvent) == 2
    assert count(Payment) == 1
    assert db.session.scalars(select(Order.status)).all() == ["paid"]
    assert len(mailer.sent) == mailer.calls == 2


def test_a_delivery_is_as_old_as_it_was_told(database: None, payments: FakePayments) -> None:
    now = utcnow() - timedelta(minutes=30)
    event = {"id": "evt_1", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}
    webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=payments, now=now)
    assert only_event().received_at == now


def test_an_expiry_told_after_the_payment_changes_nothing(
    session_id: str, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    deliver(payments, session_id, "expired", "evt_0")
    deliver(payments, session_id, "completed", "evt_1")
    while run_jobs():
        pass
    assert db.session.scalars(select(Order.status)).all() == ["paid"]


def test_a_delivery_with_a_wrong_signature_is_not_stored(session_id: str, payments: FakePayments) -> None:
    with pytest.raises(BadSignature):
        webhooks.receive_stripe(b"{}", "bad", payments=payments, now=utcnow())
    assert count(WebhookEvent) == 0


def test_a_delivery_that_cannot_be_queued_is_not_stored_and_works_when_it_is_repeated(
    session_id: str, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    """Stored alone it would be acknowledged, and the repeat taken for one that is being worked on."""
    with transaction() as session:  # only what comes from now on is looked at
        session.execute(text("ALTER TABLE procrastinate_jobs ADD CONSTRAINT full_up CHECK (false) NOT VALID"))
    with pytest.raises(ConnectorException):
        deliver(payments, session_id)
    assert count(WebhookEvent) == 0
    with transaction() as session:
        session.execute(text("ALTER TABLE procrastinate_jobs DROP CONSTRAINT full_up"))
    deliver(payments, session_id)
    run_jobs()
    assert db.session.scalars(select(Order.status)).all() == ["paid"]


def test_an_event_of_an_unknown_session_is_kept_tried_again_and_then_parked(
    database: None, payments: FakePayments
) -> None:
    deliver(payments, "cs_test_unknown")
    event_id = only_event().id
    for _ in range(webhooks.MOST_ATTEMPTS):
        assert only_event().parked_at is None
        with pytest.raises(UnknownSession):
            webhooks.process(event_id, payments=payments, site=SITE, now=utcnow())
    assert only_event().parked_at is not None and only_event().error == "unknown_session"
    webhooks.process(event_id, payments=payments, site=SITE, now=utcnow())
    (violation,) = audit(now=utcnow())
    assert (violation.invariant, violation.repair) == ("I8 parked", f"mountify webhooks replay {event_id}")
    webhooks.dismiss(event_id, now=utcnow())
    assert only_event().processed_at is not None and audit(now=utcnow()) == []


def tell_of(payments: FakePayments, kind: str, thing: dict[str, str]) -> int:
    event = {"id": f"evt_{kind}", "type": kind, "data": {"object": thing}}
    webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=payments, now=utcnow())
    return only_event().id


OF_A_PAYMENT = [
    ("checkout.session.completed", {"id": "cs_test_0001xxxxxxxxxxxxxxxxxxxx"}),
    ("charge.refunded", {"id": "ch_1", "payment_intent": "pi_0001"}),
    ("charge.dispute.created", {"id": "du_0002", "payment_intent": "pi_0001"}),
]


@pytest.fixture
def unknown(payments: FakePayments) -> str:
    """A payment that was made, refunded in part and disputed at Stripe, and that no order knows."""
    params = {
        "line_items": [{"quantity": 1, "price_data": {"unit_amount": 1900, "currency": "usd"}}],
        "shipping_options": [],
        "client_reference_id": "7",
        "metadata": {"attempt": "attempt-of-another-book"},
        "customer_email": "sam@example.com",
        "success_url": f"{SITE.base_url}/checkout/success",
    }
    session = payments.create_session(params, "attempt-of-another-book")
    payments.pay(session.id)
    payments.dispute("pi_0001", 1900, now=utcnow())
    payments.refund("pi_0001", 500)
    return session.id


@pytest.mark.parametrize(("kind", "thing"), OF_A_PAYMENT)
@pytest.mark.parametrize("leads_to", ["https://shop.example/thanks", "", f"{SITE.base_url}.example/thanks"])
def test_what_is_told_of_another_shops_payment_is_nobodys_work(
    database: None, payments: FakePayments, unknown: str, kind: str, thing: dict[str, str], leads_to: str
) -> None:
    payments.change(unknown, leads_to=leads_to)
    webhooks.process(tell_of(payments, kind, thing), payments=payments, site=SITE, now=utcnow())
    assert only_event().processed_at is not None and only_event().attempts == 0


@pytest.mark.parametrize(("kind", "thing"), OF_A_PAYMENT)
def test_what_is_told_of_a_payment_of_ours_that_no_order_knows_is_kept(
    database: None, payments: FakePayments, unknown: str, kind: str, thing: dict[str, str]
) -> None:
    event_id = tell_of(payments, kind, thing)
    with pytest.raises((UnknownSession, UnknownPayment)):
        webhooks.process(event_id, payments=payments, site=SITE, now=utcnow())
    assert only_event().processed_at is None and only_event().attempts == 1


def test_what_is_told_of_a_payment_that_was_made_in_no_checkout_is_nobodys_work(
    database: None, payments: FakePayments
) -> None:
    payments.refund("pi_of_a_subscription", 500)
    event_id = tell_of(payments, "refund.updated", {"id": "re_1", "payment_intent": "pi_of_a_subscription"})
    webhooks.process(event_id, payments=payments, site=SITE, now=utcnow())
    assert only_event().processed_at is not None


def test_a_payment_that_stripe_does_not_know_is_not_called_another_shops(
    database: None, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the key of another account Stripe knows none of ours."""

    def knows_nothing(payment_intent: str) -> None:
        raise UnknownSession

    monkeypatch.setattr(payments, "list_refunds", knows_nothing)
    event_id = tell_of(payments, "charge.refunded", {"id": "ch_1", "payment_intent": "pi_of_ours"})
    with pytest.raises(UnknownSession):
        webhooks.process(event_id, payments=payments, site=SITE, now=utcnow())
    assert only_event().processed_at is None and only_event().attempts == 1


def test_a_payment_that_stripe_does_not_want_to_tell_of_is_kept(
    database: None, payments: FakePayments, unknown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(payment_intent: str) -> None:
        raise PaymentRefused

    monkeypatch.setattr(payments, "find_session", refuses)
    event_id = tell_of(payments, "charge.refunded", {"id": "ch_1", "payment_intent": "pi_0001"})
    with pytest.raises(UnknownPayment):
        webhooks.process(event_id, payments=payments, site=SITE, now=utcnow())
    assert only_event().processed_at is None and only_event().attempts == 1


def test_whose_a_payment_is_is_asked_again_when_stripe_does_not_say(
    database: None, payments: FakePayments, unknown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_down(payment_intent: str) -> None:
        raise PaymentsUnavailable

    event_id = tell_of(payments, "charge.refunded", {"id": "ch_1", "payment_intent": "pi_0001"})
    monkeypatch.setattr(payments, "find_session", is_down)
    with pytest.raises(PaymentsUnavailable):
        webhooks.process(event_id, payments=payments, site=SITE, now=utcnow())
    assert only_event().processed_at is None and only_event().attempts == 0


@pytest.mark.parametrize(("currency", "amount"), [("kwd", 1235), ("jpy", 100_000_000), ("usd", 10**12)])
def test_a_payment_that_the_books_cannot_hold_ends_its_order_and_is_parked(
    session_id: str, payments: FakePayments, currency: str, amount: int
) -> None:
    """Less than a cent, or more than eight digits before the point."""
    fits = payments.sessions[session_id].amount_total
    payments.change(session_id, currency=currency, amount_total=amount)
    deliver(payments, session_id)
    event_id = only_event().id
    for _ in range(webhooks.MOST_ATTEMPTS):
        with pytest.raises(UnreadableAmount):
            webhooks.process(event_id, payments=payments, site=SITE, now=utcnow())
    assert only_event().parked_at is not None and only_event().error == "unreadable_amount"
    (noted, parked) = attention.list_open(now=utcnow()).items
    assert "unreadable_amount" in parked.what and parked.command == f"mountify webhooks replay {event_id}"
    assert f"{session_id} of order {noted.order_number} is paid at Stripe, with an amount that the books" in noted.what
    order = db.session.scalars(select(Order)).one()
    assert count(Payment) == 0 and order.status is OrderStatus.CANCELLED and was_charged(order)
    assert [event.kind for event in list_events(order)] == ["cancelled", "payment_unreadable", "placed"]
    assert db.session.scalars(select(Inventory.reserved)).one() == 0
    assert payment_sessions.end_overdue(payments=payments, site=SITE, now=utcnow() + timedelta(hours=1)).failed == 0
    payments.change(session_id, currency="usd", amount_total=fits)
    webhooks.replay(event_id)
    webhooks.process(event_id, payments=payments, site=SITE, now=utcnow())
    assert db.session.scalars(select(Order.status)).all() == ["paid"]


def test_a_parked_delivery_that_is_replayed_is_worked_on_from_the_beginning(
    session_id: str, payments: FakePayments, run_jobs: Callable[[], int]
) -> None:
    deliver(payments, session_id)
    parked = only_event()
    parked.parked_at, parked.attempts, parked.error = utcnow(), webhooks.MOST_ATTEMPTS, "unavailable"
    db.session.commit()
    assert [event.id for event in webhooks.list_unprocessed()] == [only_event().id]
    run_jobs()
    assert only_event().processed_at is None
    webhooks.replay(only_event().id)
    while run_jobs():
        pass
    assert only_event().processed_at is not None and only_event().attempts == 0
    assert db.session.scalars(select(Order.status)).all() == ["paid"]


def test_what_is_not_there_is_not_replayed(database: None) -> None:
    for work in (webhooks.replay, lambda event_id: webhooks.dismiss(event_id, now=utcnow())):
        with pytest.raises(NotFound):
            work(999)


def test_an_event_waits_for_a_payment_service_that_is_down(session_id: str, payments: FakePayments) -> None:
    deliver(payments, session_id)
    payments.is_down = True
    with pytest.raises(PaymentsUnavailable):
        webhooks.process(only_event().id, payments=payments, site=SITE, now=utcnow())
    payments.is_down = False
    webhooks.process(only_event().id, payments=payments, site=SITE, now=utcnow())
    assert only_event().processed_at is not None
    assert db.session.scalars(select(Order.status)).all() == ["paid"]


def test_an_event_that_is_none_of_our_business_is_done(database: None, payments: FakePayments) -> None:
    event = {"id": "evt_9", "type": "customer.created", "data": {"object": {"id": "cus_1"}}}
    webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=payments, now=utcnow())
    webhooks.process(only_event().id, payments=payments, site=SITE, now=utcnow())
    assert only_event().processed_at is not None


def test_the_sweeper_queues_what_has_lost_its_job_and_nothing_else(session_id: str, payments: FakePayments) -> None:
    deliver(payments, session_id)
    later = utcnow() + timedelta(minutes=5)
    assert webhooks.requeue_overdue(now=later) == 0
    db.session.execute(text("DELETE FROM procrastinate_jobs"))
    db.session.commit()
    assert webhooks.requeue_overdue(now=later) == 1
    assert webhooks.requeue_overdue(now=later) == 0
