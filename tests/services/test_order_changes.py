"""What the desk does with an order: who did it is known, and what is for the office stays there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.orders import NotPending
from mountify.core.errors.payments import PaymentsUnavailable, RefundAsked
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.models.email import Email, EmailState
from mountify.models.order import Order, OrderEvent
from mountify.models.payment import Refund
from mountify.services import account_closing, emails, order_changes, order_sheet, order_table, refund_requests
from mountify.services.checkout import Started
from mountify.services.order_table import Filters
from mountify.services.orders import list_events_for_buyer
from mountify.services.refund_requests import Wish
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, order_of
from tests.cast import email_of, make_account
from tests.desk import log_of, somebody
from tests.factories import make_product, make_shop
from tests.fakes import FakeMailer, FakePayments


def actors(started: Started) -> list[tuple[str, int | None]]:
    mine = select(OrderEvent.kind, OrderEvent.actor_id).where(OrderEvent.order_id == started.order_id)
    rows = [(kind, actor) for kind, actor in db.session.execute(mine.order_by(OrderEvent.id))]
    db.release()
    return rows


def test_who_did_it_is_on_the_timeline_and_the_buyer_sees_the_outcome_alone(paid: Started) -> None:
    ada = somebody()
    order_changes.add_note(ada, paid.order_id, "Call first", now=utcnow())
    refund_requests.request(paid.order_id, Wish(Money.of("5.00"), parts=None), by=ada, now=utcnow())
    assert actors(paid)[2:] == [("note", ada.id), ("refund_asked", ada.id)]
    assert [event.kind for event in list_events_for_buyer(order_of(paid))] == ["paid", "placed"]
    sheet = order_sheet.get_sheet(paid.order_id)
    assert [(event.kind, event.actor) for event in sheet.events[:2]] == [("refund_asked", "Ada"), ("note", "Ada")]
    assert log_of("orders") == [
        ("order.note_added", {}),
        ("order.refund_asked", {"amount": [None, "$5.00"], "parts": [None, 2]}),
    ]


def test_a_wish_with_the_same_key_is_the_same_refund(paid: Started, payments: FakePayments) -> None:
    wish = Wish(Money.of("5.00"), key="one form")
    first = refund_requests.request(paid.order_id, wish, now=utcnow())
    assert refund_requests.request(paid.order_id, wish, now=utcnow()) == first
    assert refund_requests.request(paid.order_id, Wish(parts=None, key="one form"), now=utcnow()) == first
    other = Buyer(payments)
    other.add(make_product())
    assert refund_requests.request(other.buy().order_id, wish, now=utcnow()) != first
    for odd in (Wish(Money.of("6.00"), key="one form"), Wish(Money.of("5.00"), parts={1: 1}, key="one form")):
        with pytest.raises(RefundAsked):
            refund_requests.request(paid.order_id, odd, now=utcnow())
        db.release()
    assert len(db.session.scalars(select(Refund.id)).all()) == 2
    db.release()


def test_while_stripe_does_not_answer_nothing_is_cancelled(
    buyer: Buyer, payments: FakePayments, monkeypatch: pytest.MonkeyPatch
) -> None:
    started, ada = buyer.start(), somebody()

    def unreachable(*_: object) -> None:
        raise PaymentsUnavailable

    with monkeypatch.context() as patch, pytest.raises(PaymentsUnavailable):
        patch.setattr(payments, "expire_session", unreachable)
        order_changes.cancel(ada, started.order_id, payments=payments, site=SITE, now=utcnow())
    assert order_of(started).status is OrderStatus.PENDING
    order_changes.cancel(ada, started.order_id, payments=payments, site=SITE, now=utcnow())
    assert actors(started) == [
        ("placed", None),
        ("cancel_asked", ada.id),
        ("cancel_asked", ada.id),
        ("cancelled", None),
    ]


def test_a_paid_order_is_not_cancelled(paid: Started, payments: FakePayments) -> None:
    with pytest.raises(NotPending):
        order_changes.cancel(somebody(), paid.order_id, payments=payments, site=SITE, now=utcnow())
    db.release()
    assert log_of("orders") == [] and order_of(paid).status is OrderStatus.PAID


def test_a_mail_that_failed_is_tried_again_and_makes_no_copy(
    paid: Started, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    with transaction() as session:
        mail = session.scalars(select(Email).where(Email.kind == "confirmed")).one()
        mail.state, mail.error, email_id = EmailState.FAILED, "full", mail.id
    order_changes.send_again(somebody(), paid.order_id, email_id, copy=1, now=utcnow())
    run_jobs()
    assert len(mailer.sent) == 2  # it, and the merchant's
    assert log_of("orders") == [("order.mail_sent_again", {"mail": [None, "confirmed"]})]


def test_a_note_goes_with_the_account_and_its_mails_are_sent_to_nobody(
    payments: FakePayments, run_jobs: Callable[[], int], mailer: FakeMailer
) -> None:
    make_shop()
    buyer = Buyer(payments, user_id=make_account("alice"), email=email_of("alice"))
    buyer.add(make_product())
    started, ada = buyer.buy(), somebody()
    run_jobs()
    order_changes.add_note(ada, started.order_id, "Alice called", now=utcnow())
    with transaction() as session:
        order = session.get_one(Order, started.order_id)
        order.mark_shipped("ups", "1Z5R89390357567127", now=utcnow())
        user_id = order.user_id or 0
    account_closing.close(user_id, site=SITE, now=utcnow())
    run_jobs()
    sheet = order_sheet.get_sheet(started.order_id)
    assert [event.data for event in sheet.events if event.kind == "note"] == [{}]
    email_id = sheet.letters[0].email.id
    db.release()
    sent = len(mailer.sent)
    assert order_changes.send_again(ada, started.order_id, email_id, copy=1, now=utcnow()) is None
    run_jobs()
    assert len(mailer.sent) == sent


def test_copies_are_counted_of_one_mail_alone(paid: Started, run_jobs: Callable[[], int]) -> None:
    run_jobs()
    email_id = db.session.scalars(select(Email.id).where(Email.kind == "confirmed")).one()
    db.release()
    for copy in (1, 2):
        order_changes.send_again(somebody(), paid.order_id, email_id, copy=copy, now=utcnow())
        run_jobs()
    letters = order_sheet.get_sheet(paid.order_id).letters
    assert [letter.copies for letter in letters if letter.email.kind == "confirmed"] == [2, 2, 2]
    assert [letter.copies for letter in letters if letter.email.kind == "merchant"] == [0]
    assert emails.count_copies(letters[0].email, []) == 0
    db.release()


def test_a_day_is_one_of_the_shops_time_zone(paid: Started) -> None:
    with transaction() as session:
        session.get_one(Order, paid.order_id).created_at = utcnow().replace(2026, 3, 1, 2, 30)
    for zone, day in (("UTC", 1), ("America/New_York", 28), ("Pacific/Auckland", 1)):
        moment = utcnow().date().replace(2026, 2 if day == 28 else 3, day)
        assert order_table.list_orders(Filters(since=moment, until=moment), timezone=zone).total == 1, zone
