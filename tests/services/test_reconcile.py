"""The shop beside Stripe, both ways: what no webhook told is found and repaired, the rest goes before a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select

from mountify.core.clock import utcnow
from mountify.core.errors.outside import SomeFailed
from mountify.core.errors.payments import PaymentsUnavailable
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.gateways import Gateways
from mountify.jobs.worker import run_once
from mountify.models.attention import AttentionNote
from mountify.models.catalogue import Product
from mountify.models.payment import AttemptState, PaymentAttempt
from mountify.services import attention_notes
from mountify.services.audit import audit
from mountify.services.wording import format_money
from mountify.transaction import transaction
from tests.buyers import Buyer, order_of, stock_of
from tests.comparing import assert_agrees, compare, notes
from tests.fakes import FakeMailer, FakePayments

FOREIGN = "https://another.shop/checkout/success"


def test_a_shop_that_agrees_with_stripe_is_left_as_it_is(buyer: Buyer, payments: FakePayments) -> None:
    buyer.buy()
    report = compare(payments)
    assert report.compared == 1 and report.repaired == [] and report.is_clean and notes() == []


def test_a_payment_that_nobody_told_of_is_settled(
    buyer: Buyer, payments: FakePayments, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    report = compare(payments)
    (what,) = report.repaired
    assert what == f"session {buyer.session_of(started)} of order {order_of(started).number} is paid at Stripe"
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.PAID, (3, 0))
    run_jobs()
    assert len(mailer.sent) == 2
    assert_agrees(payments)


@pytest.mark.parametrize(
    ("outcome", "status", "stock"),
    [
        (SessionOutcome.CLOSED, OrderStatus.EXPIRED, (5, 0)),
        (SessionOutcome.FAILED, OrderStatus.CANCELLED, (5, 0)),
        (SessionOutcome.PROCESSING, OrderStatus.PENDING, (5, 2)),
    ],
)
def test_whatever_became_of_a_session_is_followed(
    buyer: Buyer, payments: FakePayments, product: Product, outcome: SessionOutcome, status: OrderStatus,
    stock: tuple[int, int],
) -> None:  # fmt: skip
    started = buyer.start()
    payments.change(buyer.session_of(started), outcome=outcome)
    assert len(compare(payments).repaired) == 1
    assert (order_of(started).status, stock_of(product)) == (status, stock)
    assert_agrees(payments)


def test_a_session_that_was_never_stored_is_found_by_the_key_it_was_asked_under(
    buyer: Buyer, payments: FakePayments
) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    with transaction() as session:
        attempt = session.scalars(select(PaymentAttempt)).one()
        attempt.session_id = attempt.url = None
        attempt.state = AttemptState.CREATED
    assert len(compare(payments).repaired) == 1
    assert order_of(started).status is OrderStatus.PAID
    assert_agrees(payments)


def test_a_session_that_can_be_paid_although_its_order_has_ended_is_ended_too(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    started = buyer.start()
    session_id = buyer.session_of(started)
    payments.change(session_id, outcome=SessionOutcome.CLOSED)
    buyer.sync(session_id)
    payments.change(session_id, outcome=SessionOutcome.OPEN)  # Stripe's word and ours came apart
    (what,) = compare(payments).repaired
    assert what == f"session {session_id} can be paid, though its order {order_of(started).number} is expired"
    assert payments.sessions[session_id].outcome is SessionOutcome.CLOSED
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.EXPIRED, (5, 0))
    assert_agrees(payments)


def test_one_that_is_paid_while_all_are_listed_is_no_difference(buyer: Buyer, payments: FakePayments) -> None:
    started = buyer.start()
    session_id = buyer.session_of(started)

    class Slow(FakePayments):
        def list_sessions(self, since: datetime) -> list[PaymentSession]:
            listed = super().list_sessions(since)
            payments.pay(session_id)
            buyer.sync(session_id)
            return listed

    report = compare(Slow(sessions=payments.sessions))
    assert report.repaired == [] and report.is_clean and order_of(started).status is OrderStatus.PAID


def test_an_amount_that_the_books_cannot_hold_goes_before_a_person(buyer: Buyer, payments: FakePayments) -> None:
    """Its webhook, which would have been parked, may have been lost."""
    started = buyer.start()
    payments.pay(buyer.session_of(started), amount_total=10**12)
    for _ in range(2):
        report = compare(payments)
        assert report.failed == 0 and report.repaired == []
    (note,) = notes()
    assert report.mismatches == [note.what] and note.what.startswith("Session ")
    assert "is paid at Stripe, with an amount that the books cannot hold" in note.what
    attention_notes.resolve(note.id, now=utcnow())
    assert compare(payments).is_clean


def test_one_that_breaks_stops_no_other_and_is_counted(buyer: Buyer, payments: FakePayments, product: Product) -> None:
    started, other = buyer.start(), Buyer(payments)
    other.add(product, 1)
    fine = other.start()
    for one in (started, fine):
        payments.pay(one.url.rsplit("/", 1)[1])

    class Odd(FakePayments):
        def get_session(self, session_id: str) -> PaymentSession:
            if session_id == buyer.session_of(started):
                raise KeyError("amount_total")
            return super().get_session(session_id)

    odd = Odd(sessions=payments.sessions)
    report = compare(odd)
    assert (len(report.repaired), report.failed, report.is_clean) == (1, 1, False)
    assert order_of(fine).status is OrderStatus.PAID
    assert len(compare(payments).repaired) == 1


def test_money_of_this_shop_without_an_order_goes_before_a_person_once(buyer: Buyer, payments: FakePayments) -> None:
    """The database was restored from yesterday's copy, say."""
    started = buyer.start()
    session = replace(payments.sessions[buyer.session_of(started)], id="cs_test_lost", attempt="attempt-lost")
    payments.sessions[session.id] = session
    payments.pay(session.id)
    for _ in range(2):
        report = compare(payments)
        assert len(report.mismatches) == 1 and not report.is_clean
    (note,) = notes()
    assert note.about == "cs_test_lost" and "has no order for it" in note.what
    attention_notes.resolve(note.id, now=utcnow())
    report = compare(payments)
    assert report.is_clean and notes() == []


def test_what_another_shop_of_the_same_account_sells_is_none_of_our_business(
    buyer: Buyer, payments: FakePayments
) -> None:
    started = buyer.start()
    session = replace(payments.sessions[buyer.session_of(started)], id="cs_test_x", attempt="x", leads_to=FOREIGN)
    payments.sessions[session.id] = session
    payments.pay(session.id, payment_intent="pi_foreign")
    payments.refund("pi_foreign", 500)
    payments.dispute("pi_foreign", 500, now=utcnow())
    report = compare(payments)
    assert report.is_clean and report.repaired == [] and notes() == []


def test_as_many_as_two_shops_make_in_a_year_are_compared(buyer: Buyer, payments: FakePayments) -> None:
    """PostgreSQL takes 65,535 values in one statement."""
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    one = payments.sessions[buyer.session_of(started)]
    payments.dispute("pi_foreign", 500, now=utcnow())
    refund, dispute = payments.refund("pi_foreign", 500), next(iter(payments.disputes.values()))
    for number in range(66_000):
        foreign = replace(one, id=f"cs_{number}", attempt=f"x{number}", leads_to=FOREIGN)
        payments.sessions[foreign.id] = foreign
        mine = replace(payments.refunds["pi_foreign"][refund], id=f"re_{number}", payment_intent=f"pi_{number}")
        payments.refunds[mine.payment_intent or ""] = {mine.id: mine}
        other = replace(dispute, id=f"du_{number}", payment_intent=mine.payment_intent)
        payments.disputes[other.id], payments.disputed_at[other.id] = other, utcnow()
    report = compare(payments)
    assert (len(report.repaired), report.is_clean, report.compared) == (1, True, 3 * 66_000 + 3)


def test_an_order_that_is_paid_here_and_not_at_stripe_goes_before_a_person(
    buyer: Buyer, payments: FakePayments
) -> None:
    paid = buyer.buy()
    session_id = buyer.session_of(paid)
    payments.change(session_id, outcome=SessionOutcome.CLOSED)
    (what,) = compare(payments).mismatches
    assert f"Order {order_of(paid).number} is paid here; at Stripe its session {session_id} is closed" in what
    payments.change(session_id, outcome=SessionOutcome.PAID, amount_total=1)
    with transaction() as session:
        session.execute(delete(AttentionNote))
    (what,) = compare(payments).mismatches
    order = order_of(paid)
    amounts = f"{format_money(order.total, 'USD')} here, $0.01 at Stripe"
    assert what == f"Order {order.number} was paid with {amounts}."
    payments.change(session_id, amount_total=int(order_of(paid).total.amount * 100))
    assert compare(payments).is_clean and notes() == []  # they agree again
    with transaction() as session:
        session.execute(delete(AttentionNote))
    del payments.sessions[session_id]
    (what,) = compare(payments).mismatches
    assert "Stripe does not know it" in what and notes()[0].order_id == paid.order_id
    assert order_of(paid).status is OrderStatus.PAID


@pytest.mark.parametrize("is_done", [True, False], ids=["done with", "still open"])
def test_a_mismatch_that_comes_back_or_gets_worse_is_told_again(
    buyer: Buyer, payments: FakePayments, is_done: bool
) -> None:
    session_id = buyer.session_of(buyer.buy())
    as_it_is = payments.sessions[session_id]
    for _ in range(2):
        payments.sessions.pop(session_id)
        assert "Stripe does not know it" in compare(payments).mismatches[0] and len(notes()) == 1
        if is_done:
            attention_notes.resolve(notes()[0].id, now=utcnow())
            assert compare(payments).is_clean and notes() == []
        payments.sessions[session_id] = replace(as_it_is, amount_total=1)
        assert "$0.01 at Stripe" in compare(payments).mismatches[0]
        assert [note.what for note in notes()] == compare(payments).mismatches
        payments.sessions[session_id] = as_it_is
        assert compare(payments).is_clean and notes() == []


def test_a_payment_that_is_asked_about_alone_may_agree_again(buyer: Buyer, payments: FakePayments) -> None:
    """Its session was made long before it was paid: a bank debit."""
    session_id = buyer.session_of(buyer.buy())

    class OnlyYoung(FakePayments):
        list_sessions = lambda self, since: []  # noqa: E731

    young = OnlyYoung(sessions=payments.sessions)
    payments.change(session_id, outcome=SessionOutcome.PROCESSING)
    assert len(compare(young).mismatches) == len(notes()) == 1
    payments.change(session_id, outcome=SessionOutcome.PAID)
    assert compare(young).is_clean and notes() == []


def test_money_that_was_on_its_way_to_no_order_and_never_came_is_no_business_any_more(
    buyer: Buyer, payments: FakePayments
) -> None:
    session = replace(payments.sessions[buyer.session_of(buyer.start())], id="cs_test_lost", attempt="attempt-lost")
    payments.sessions[session.id] = session
    payments.pay(session.id, outcome=SessionOutcome.PROCESSING)
    assert len(compare(payments).mismatches) == len(notes()) == 1
    payments.change(session.id, outcome=SessionOutcome.FAILED)
    assert compare(payments).is_clean and notes() == []


def test_money_without_an_order_is_told_in_whatever_amount(buyer: Buyer, payments: FakePayments) -> None:
    session = replace(payments.sessions[buyer.session_of(buyer.start())], id="cs_test_lost", attempt="attempt-lost")
    payments.sessions[session.id] = session
    payments.pay(session.id, amount_total=1_000_001, currency="kwd")
    report = compare(payments)
    assert report.failed == 0 and "of 1000001 of the smallest units of KWD" in report.mismatches[0]


def test_a_silent_stripe_is_said_and_changes_nothing(buyer: Buyer, payments: FakePayments) -> None:
    buyer.buy()
    payments.is_down = True
    with pytest.raises(PaymentsUnavailable):
        compare(payments)


def test_the_worker_does_it_and_says_when_it_could_not_do_all(
    buyer: Buyer, payments: FakePayments, config: object
) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started))

    class Half(FakePayments):
        def get_session(self, session_id: str) -> PaymentSession:
            raise PaymentsUnavailable

    half = Half(sessions=payments.sessions)
    with pytest.raises(SomeFailed):
        run_once("reconcile", config, Gateways(half, FakeMailer()))  # type: ignore[arg-type]
    run_once("reconcile", config, Gateways(payments, FakeMailer()))  # type: ignore[arg-type]
    assert order_of(started).status is OrderStatus.PAID
    assert audit(now=utcnow() + timedelta(minutes=1)) == []
