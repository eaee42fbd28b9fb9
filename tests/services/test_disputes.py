"""What the buyers' banks take back is on the order's timeline and before the merchant, once, until it is decided."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.payments import PaymentsUnavailable, UnknownPayment, UnknownSession
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.core.payment_dispute import PaymentDispute
from mountify.models.attention import AttentionKind, AttentionNote
from mountify.models.order import OrderEvent
from mountify.models.payment import Dispute, Payment, WebhookEvent
from mountify.services import attention_notes, disputes, order_sync, webhooks
from mountify.services.checkout import Started
from tests.buyers import SITE, order_of
from tests.fakes import FakePayments

OPEN = (
    "warning_needs_response",
    "warning_under_review",
    "needs_response",
    "under_review",
    "appeal_needs_response",
    "appeal_under_review",
)
CLOSED = ("won", "lost", "warning_closed", "prevented")
# Since when the bank has taken it, in a year of the test's.
NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def intent(paid: Started) -> str:
    found = db.session.scalars(select(Payment.payment_intent)).one()
    db.release()
    return found


def sync(payments: FakePayments, dispute_id: str, *, now: datetime = NOW) -> int:
    order_id = disputes.sync_dispute(dispute_id, payments=payments, site=SITE, now=now)
    db.release()
    return order_id


def told(payments: FakePayments, dispute_id: str, **changes: object) -> None:
    """Stripe says something new, and we hear of it twice."""
    payments.change_dispute(dispute_id, **changes)
    for _ in range(2):
        sync(payments, dispute_id)


def timeline() -> list[tuple[str, dict[str, object]]]:
    """What the timeline says since the order was paid."""
    rows = db.session.execute(select(OrderEvent.kind, OrderEvent.data).order_by(OrderEvent.id)).all()
    return [(kind, data) for kind, data in rows if kind not in ("placed", "paid")]


def state() -> str:
    db.release()
    return db.session.scalars(select(Dispute.state)).one()


def notes() -> list[str]:
    """What somebody is to look at."""
    db.release()
    return list(db.session.scalars(select(AttentionNote.what).where(AttentionNote.resolved_at.is_(None))))


def test_a_dispute_is_recorded_once_and_says_what_to_do_until_when(
    paid: Started, intent: str, payments: FakePayments
) -> None:
    dispute = payments.dispute(intent, 1450, now=NOW, reason="product_not_received")
    for _ in range(3):
        assert sync(payments, dispute) == paid.order_id
    row = db.session.scalars(select(Dispute)).one()
    assert (row.stripe_dispute_id, row.amount, row.reason, row.state) == (
        dispute,
        Money.of("14.50"),
        "product_not_received",
        "needs_response",
    )
    assert timeline() == [
        ("dispute", {"amount": "$14.50", "reason": "product_not_received", "dispute": dispute}),
    ]
    assert notes() == [
        "The buyer's bank has taken back $14.50 (product not received)."
        f" Answer dispute {dispute} in Stripe's dashboard by 8 Dec 2026, 09:30 UTC; then it is decided without you."
    ]
    note = db.session.scalars(select(AttentionNote)).one()
    assert (note.kind, note.about, note.order_id, note.created_at) == ("dispute", dispute, paid.order_id, NOW)
    order = order_of(paid)
    assert (order.status, order.refunded_total) == (OrderStatus.PAID, Money.of(0))


@pytest.mark.parametrize("end", ["won", "warning_closed", "prevented"])
def test_one_that_ends_well_needs_nobody_any_more(paid: Started, intent: str, payments: FakePayments, end: str) -> None:
    dispute = payments.dispute(intent, 500, now=NOW)
    sync(payments, dispute)
    told(payments, dispute, status=end)
    assert [kind for kind, _ in timeline()] == ["dispute", "dispute_closed"]
    assert timeline()[1][1] == {"status": end, "dispute": dispute}
    assert notes() == [] and state() == end and order_of(paid).status is OrderStatus.PAID


def test_one_that_is_lost_is_said_again_even_to_who_was_done_with_it(
    paid: Started, intent: str, payments: FakePayments
) -> None:
    dispute = payments.dispute(intent, 500, now=NOW)
    sync(payments, dispute)
    attention_notes.resolve(db.session.scalars(select(AttentionNote.id)).one(), now=NOW)
    told(payments, dispute, status="lost")
    (sentence,) = notes()
    assert "$5.00 (fraudulent) is lost: the money stays with the buyer" in sentence
    attention_notes.resolve(db.session.scalars(select(AttentionNote.id)).one(), now=NOW)
    sync(payments, dispute)
    assert notes() == [] and order_of(paid).status is OrderStatus.PAID
    assert [kind for kind, _ in timeline()] == ["dispute", "dispute_closed"]


def test_one_that_was_answered_waits_for_the_bank_alone_and_may_be_lost_yet(
    intent: str, payments: FakePayments
) -> None:
    dispute = payments.dispute(intent, 500, now=NOW)
    sync(payments, dispute)
    told(payments, dispute, status="under_review")
    assert notes() == [] and state() == "under_review"
    told(payments, dispute, status="lost")
    assert len(notes()) == 1


def test_a_bank_that_asks_first_and_takes_later_is_answered_twice(intent: str, payments: FakePayments) -> None:
    dispute = payments.dispute(intent, 500, now=NOW, status="warning_needs_response")
    sync(payments, dispute)
    assert "asks about a payment of $5.00 (fraudulent); it has taken nothing back yet." in notes()[0]
    told(payments, dispute, status="warning_under_review")
    assert notes() == []
    later = NOW + timedelta(days=30)
    told(payments, dispute, status="needs_response", amount=400, due_by=later)
    (sentence,) = notes()
    assert "has taken back $4.00" in sentence and "31 Dec 2026" in sentence
    assert db.session.scalars(select(Dispute.amount)).one() == Money.of("4.00")
    assert [kind for kind, _ in timeline()] == ["dispute"]


def test_a_bank_that_hears_of_no_answer_is_not_answered(intent: str, payments: FakePayments) -> None:
    sync(payments, payments.dispute(intent, 500, now=NOW, due_by=None))
    (sentence,) = notes()
    assert "It hears of no answer" in sentence and "by " not in sentence.split("back")[1]


def test_one_that_is_heard_of_when_it_is_over_has_begun_and_ended(intent: str, payments: FakePayments) -> None:
    sync(payments, payments.dispute(intent, 500, now=NOW, status="lost"))
    assert [kind for kind, _ in timeline()] == ["dispute", "dispute_closed"] and "is lost" in notes()[0]


def test_words_that_stripe_adds_later_are_for_a_person(intent: str, payments: FakePayments) -> None:
    dispute = payments.dispute(intent, 500, now=NOW, status="needs_dancing")
    sync(payments, dispute)
    assert len(notes()) == 1
    told(payments, dispute, status="won")
    told(payments, dispute, status="needs_dancing")
    assert state() == "won" and notes() == []


@pytest.mark.parametrize("closed", CLOSED)
def test_what_is_closed_is_never_open_again_whatever_older_answer_comes(
    intent: str, payments: FakePayments, closed: str
) -> None:
    dispute = payments.dispute(intent, 500, now=NOW)
    sync(payments, dispute)
    told(payments, dispute, status=closed)
    before = timeline(), notes()
    for older in OPEN:
        told(payments, dispute, status=older)
        assert state() == closed
    assert (timeline(), notes()) == before


def test_an_open_one_only_goes_on() -> None:
    def one(status: str) -> PaymentDispute:
        return PaymentDispute("du_1", "pi_1", 500, "usd", "general", status, None)

    for place, known in enumerate(OPEN):
        assert [one(status).follows(known) for status in OPEN] == [n > place for n in range(len(OPEN))]
        assert all(one(status).follows(known) for status in CLOSED)
    assert one("won").follows("lost") and not one("lost").follows("lost")  # Stripe corrects a decision, rarely


def test_a_dispute_of_a_payment_that_nobody_has_recorded_is_not_known_yet(
    database: None, payments: FakePayments
) -> None:
    for payment_intent in ("pi_nobody", None):
        with pytest.raises(UnknownPayment):
            sync(payments, payments.dispute(payment_intent, 500, now=NOW))
    with pytest.raises(UnknownSession):
        sync(payments, "du_nobody")
    payments.is_down = True
    with pytest.raises(PaymentsUnavailable):
        sync(payments, "du_nobody")


def test_all_that_has_begun_since_is_listed(payments: FakePayments) -> None:
    ids = [payments.dispute("pi_1", 500, now=NOW + timedelta(days=day)) for day in range(3)]
    assert [dispute.id for dispute in payments.list_disputes(NOW + timedelta(days=1))] == ids[1:]


def hear(payments: FakePayments, kind: str, thing: dict[str, object], event_id: str = "evt_1") -> None:
    event = {"id": event_id, "type": kind, "data": {"object": thing}}
    webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=payments, now=utcnow())


@pytest.mark.parametrize("kind", ["created", "updated", "closed", "funds_withdrawn", "funds_reinstated"])
def test_every_kind_of_news_about_a_dispute_is_followed(
    intent: str, payments: FakePayments, run_jobs: Callable[[], int], kind: str
) -> None:
    run_jobs()
    dispute = payments.dispute(intent, 500, now=NOW)
    for number in (1, 2):
        hear(payments, f"charge.dispute.{kind}", {"id": dispute, "payment_intent": intent}, f"evt_{number}")
    while run_jobs():
        pass
    assert [kind for kind, _ in timeline()] == ["dispute"]
    assert all(db.session.scalars(select(WebhookEvent.processed_at)))


@pytest.mark.parametrize("thing", [{"id": "du_1"}, {"id": "du_1", "payment_intent": None}, {"payment_intent": "pi_1"}])
def test_news_of_a_dispute_that_names_no_payment_is_stored_and_left(
    database: None, payments: FakePayments, run_jobs: Callable[[], int], thing: dict[str, object]
) -> None:
    hear(payments, "charge.dispute.created", thing)
    run_jobs()
    assert all(db.session.scalars(select(WebhookEvent.processed_at)))
    assert db.session.scalars(select(Dispute)).all() == []


def test_an_order_that_is_asked_about_hears_how_its_disputes_ended(
    paid: Started, intent: str, payments: FakePayments
) -> None:
    dispute = payments.dispute(intent, 500, now=NOW)
    sync(payments, dispute)
    payments.change_dispute(dispute, status="won")
    order_sync.sync_order(order_of(paid).number, payments=payments, site=SITE, now=NOW)
    assert state() == "won" and notes() == []
    del payments.disputes[dispute]
    order_sync.sync_order(order_of(paid).number, payments=payments, site=SITE, now=NOW)


def test_what_is_noted_once_is_kept_as_it_was_unless_it_is_noted_anew(paid: Started) -> None:
    for work, what, expected in (
        (attention_notes.note, "first", ["first"]),
        (attention_notes.note, "second", ["first"]),
        (attention_notes.note_anew, "third", ["third"]),
    ):
        session = db.session()
        work(session, AttentionKind.MISMATCH, "x", what, order_id=paid.order_id, now=NOW)
        session.commit()
        assert notes() == expected
