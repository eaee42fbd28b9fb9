"""What needs attention is on one list, oldest first, until the command beside it has done its work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.money import Money
from mountify.models.attention import AttentionKind, AttentionNote
from mountify.models.order import Order
from mountify.models.payment import Payment, Refund, RefundState, WebhookEvent
from mountify.services import attention, attention_notes
from mountify.services.attention import MOST_OF_EACH, Item
from mountify.services.checkout import Started
from tests.queries import queries

NOW = utcnow()
Told = tuple[str, str, str | None]


@pytest.fixture
def damaged(paid: Started) -> Iterator[Started]:
    """A paid order; what a test breaks after that is undone before the shop is audited."""
    point = db.session.begin_nested()
    yield paid
    point.rollback()


def open_now(now: datetime = NOW) -> list[Item]:
    db.session.flush()
    return attention.list_open(now=now).items


def told(now: datetime = NOW) -> list[Told]:
    return [(item.kind, item.command, item.order_number) for item in open_now(now)]


def change(sql: str, **values: object) -> None:
    db.session.execute(text(sql), values)


def refund(amount: str, state: RefundState, *, at: datetime = NOW, replaces: int | None = None) -> Refund:
    """One that was asked for, and one that failed did so when it was asked for."""
    payment_id = db.session.scalars(select(Payment.id)).one()
    number = len(db.session.scalars(select(Refund.id)).all())
    row = Refund(
        payment_id=payment_id, reason="x", amount=Money.of(amount), idempotency_key=f"r-{number}", state=state,
        stripe_refund_id=f"re_{number}", replaces_id=replaces,
        created_at=at, updated_at=at,
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    return row


def note(session: Session, about: str, at: datetime, order_id: int | None = None) -> int:
    attention_notes.note(session, AttentionKind.MISMATCH, about, f"What of {about}?", order_id=order_id, now=at)
    return session.scalars(select(AttentionNote.id).where(AttentionNote.about == about)).one()


def test_a_shop_in_which_all_is_well_asks_for_nothing(paid: Started) -> None:
    assert attention.list_open(now=NOW) == attention.Open([], 0)
    assert attention.list_open(now=NOW).as_json() == {"items": [], "total": 0}


def test_every_source_is_on_the_list_with_its_command_oldest_first(damaged: Started) -> None:
    number = db.session.get_one(Order, damaged.order_id).number
    parked = WebhookEvent(
        provider="stripe", event_id="evt_1", type="charge.refunded", payload={}, error="unknown_payment",
        parked_at=NOW - timedelta(hours=9),
    )  # fmt: skip
    db.session.add(parked)
    change(
        "UPDATE emails SET state = 'failed', error = 'no such address', tried_at = :at WHERE kind = 'confirmed'",
        at=NOW - timedelta(hours=8),
    )
    change("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = (SELECT max(id) FROM procrastinate_jobs)")
    change("UPDATE procrastinate_events SET at = :at", at=NOW - timedelta(hours=7))
    failed = refund("3.00", RefundState.FAILED, at=NOW - timedelta(hours=6))
    refund("1.00", RefundState.CREATED, at=NOW - timedelta(hours=5))
    noted = note(db.session(), "one order", NOW - timedelta(hours=4), damaged.order_id)
    elsewhere = note(db.session(), "nothing", NOW - timedelta(hours=3))
    email_id = db.session.scalar(text("SELECT id FROM emails WHERE state = 'failed'"))
    job_id = db.session.scalar(text("SELECT max(id) FROM procrastinate_jobs"))
    assert told() == [
        ("webhook", f"mountify webhooks replay {parked.id}", None),
        ("email", f"mountify emails resend {email_id}", number),
        ("job", f"mountify jobs retry {job_id}", None),
        ("refund", f"mountify orders refund {number} --again {failed.id}", number),
        ("refund", f"mountify orders sync {number}", number),
        ("mismatch", f"mountify attention done {noted}", number),
        ("mismatch", f"mountify attention done {elsewhere}", None),
    ]
    items = open_now()
    assert [NOW - item.since for item in items] == [timedelta(hours=hours) for hours in range(9, 2, -1)]
    for item, words in zip(
        items,
        (
            f"evt_1 (charge.refunded) could not be followed: unknown_payment. If you have mended it at Stripe: "
            f"mountify webhooks dismiss {parked.id}",
            "(confirmed) was not accepted: no such address",
            "The job send_email",
            f"refund of 3.00 USD did not reach the buyer, the money is back with you. If you have paid it in another "
            f"way: mountify attention done --refund {failed.id}",
            "refund of 1.00 USD is not taken by Stripe since",
            "What of one order?",
            "What of nothing?",
        ),
        strict=True,
    ):
        assert words in item.what
    assert attention.list_open(now=NOW).as_json()["total"] == 7


def test_what_is_done_or_dismissed_is_off_the_list(paid: Started) -> None:
    db.session.add(
        WebhookEvent(
            provider="stripe", event_id="evt_1", type="x", payload={}, error="x", parked_at=NOW, processed_at=NOW
        )
    )
    one, _two = note(db.session(), "one", NOW), note(db.session(), "two", NOW)
    db.session.commit()
    assert len(told()) == 2
    attention_notes.resolve(one, now=NOW)
    attention_notes.resolve_about(db.session(), AttentionKind.MISMATCH, "two", now=NOW)
    assert told() == []


def test_a_dead_job_that_comes_round_again_is_no_business_of_anybodys(damaged: Started) -> None:
    change("UPDATE procrastinate_jobs SET status = 'failed', task_name = 'audit'")
    assert {kind for kind, *_ in told()} == {"job"}
    change("INSERT INTO task_runs (task) VALUES ('audit')")
    assert told() == []


@pytest.mark.parametrize(
    ("state", "patience"),
    [(RefundState.CREATED, timedelta(hours=1)), (RefundState.PENDING, timedelta(days=7))],
)
def test_a_refund_is_waited_for_a_while(paid: Started, state: RefundState, patience: timedelta) -> None:
    refund("5.00", state, at=NOW - patience)
    assert told() == []
    assert [kind for kind, *_ in told(NOW + timedelta(seconds=1))] == ["refund"]


@pytest.mark.parametrize("state", [RefundState.SUCCEEDED, RefundState.VOID])
def test_a_refund_that_arrived_or_was_never_made_is_not_waited_for(paid: Started, state: RefundState) -> None:
    refund("5.00", state, at=NOW - timedelta(days=100))
    assert told() == []


def test_a_refund_that_failed_is_made_good_by_one_in_its_place_and_by_no_other(paid: Started) -> None:
    failed = refund("5.00", RefundState.FAILED, at=NOW - timedelta(hours=8))
    refund("5.00", RefundState.SUCCEEDED, at=NOW)
    (item,) = open_now()
    assert f"done --refund {failed.id}" in item.what and item.command.endswith(f" --again {failed.id}")
    refund("5.00", RefundState.VOID, replaces=failed.id)
    assert len(told()) == 1
    refund("5.00", RefundState.CREATED, replaces=failed.id)
    assert told() == [] and failed.state is RefundState.FAILED


def test_of_one_that_failed_twice_the_last_failure_speaks(paid: Started) -> None:
    first = refund("5.00", RefundState.FAILED, at=NOW - timedelta(hours=2))
    again = refund("5.00", RefundState.FAILED, at=NOW, replaces=first.id)
    (item,) = open_now()
    assert f"done --refund {again.id}" in item.what
    refund("5.00", RefundState.PENDING, at=NOW, replaces=again.id)
    assert told() == []


def test_a_refund_that_stripe_refused_is_not_said_to_be_back_and_asks_for_no_more_than_is_left(paid: Started) -> None:
    total = db.session.scalars(select(Payment.amount)).one()
    refused = refund(str(total), RefundState.FAILED)
    refused.stripe_refund_id, refused.error = None, "too much"
    refund("5.00", RefundState.CREATED)
    (item,) = attention.list_open(now=NOW).items
    assert "Stripe refused a refund of" in item.what and "nothing was sent: too much" in item.what
    refund(str(total - Money.of("5.00")), RefundState.CREATED)
    assert told() == []
    db.session.rollback()


def test_a_refund_that_failed_can_be_made_good_in_another_way(paid: Started) -> None:
    failed, fine = refund("5.00", RefundState.FAILED).id, refund("1.00", RefundState.VOID).id
    db.session.commit()
    for refund_id in (fine, 999_999):
        with pytest.raises(NotFound):
            attention_notes.resolve_refund(refund_id, now=NOW)
    assert len(told()) == 1
    for _ in range(2):
        attention_notes.resolve_refund(failed, now=NOW)
    assert told() == []


def test_a_note_that_is_not_there_is_not_done(paid: Started) -> None:
    with pytest.raises(NotFound):
        attention_notes.resolve(999_999, now=NOW)


def test_of_many_the_oldest_are_shown_and_all_are_counted_in_one_query(paid: Started) -> None:
    for number in range(MOST_OF_EACH + 3):
        note(db.session(), f"{number}", NOW - timedelta(minutes=number), paid.order_id)
    refund("5.00", RefundState.FAILED)
    asked = queries(lambda: attention.list_open(now=NOW))
    found = attention.list_open(now=NOW)
    assert len(asked) == 1
    assert (len(found.items), found.total) == (MOST_OF_EACH + 1, MOST_OF_EACH + 4)
    assert found.items[0].what == f"What of {MOST_OF_EACH + 2}?" and found.items[-1].kind == "refund"
