"""Refunds and disputes beside Stripe's."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.payments import UnknownSession
from mountify.core.money import Money
from mountify.core.payment_refund import PaymentRefund, RefundOutcome
from mountify.models.order import OrderEvent
from mountify.models.payment import Dispute, Refund, RefundState
from mountify.services import refunds
from mountify.services.reconcile import REACH
from mountify.transaction import transaction
from tests.buyers import SITE, Buyer, order_of
from tests.comparing import assert_agrees, compare, notes
from tests.fakes import FakePayments
from tests.refunding import intent_of


def test_refunds_that_nobody_told_of_are_followed(buyer: Buyer, payments: FakePayments) -> None:
    paid = buyer.buy()
    intent = intent_of(paid, payments)
    payments.refund(intent, 300)
    payments.refund(intent, 200)
    assert len(compare(payments).repaired) == 1
    assert order_of(paid).refunded_total == Money.of("5.00")
    assert_agrees(payments)


def test_a_refund_that_has_gone_on_is_followed_however_old_it_is(buyer: Buyer, payments: FakePayments) -> None:
    paid = buyer.buy()
    intent = intent_of(paid, payments)
    refund = payments.refund(intent, 500, RefundOutcome.PENDING)
    refunds.sync_refunds(intent, payments=payments, site=SITE, now=utcnow())
    with transaction() as session:
        session.scalars(select(Refund)).one().created_at -= 2 * REACH
    payments.change_refund(intent, refund, RefundOutcome.FAILED)

    class OnlyYoung(FakePayments):
        list_refunds_since = lambda self, since: []  # noqa: E731

    compare(OnlyYoung(sessions=payments.sessions, refunds=payments.refunds))
    assert not order_of(paid).refunded_total
    assert db.session.scalars(select(Refund.state)).one() is RefundState.FAILED
    db.release()
    assert_agrees(payments)


def test_a_refund_that_had_arrived_and_comes_back_weeks_later_is_heard_of(buyer: Buyer, payments: FakePayments) -> None:
    """The buyer's account was closed, and the webhook that says so was lost."""
    paid = buyer.buy()
    intent = intent_of(paid, payments)
    made_at = utcnow() - timedelta(days=29)
    refund = payments.refund(intent, 500)
    refunds.sync_refunds(intent, payments=payments, site=SITE, now=utcnow())
    with transaction() as session:
        session.scalars(select(Refund)).one().created_at = made_at
    assert order_of(paid).refunded_total == Money.of("5.00")
    payments.change_refund(intent, refund, RefundOutcome.FAILED)

    class Dated(FakePayments):
        def list_refunds_since(self, since: datetime) -> list[PaymentRefund]:
            return super().list_refunds_since(since) if made_at >= since else []

    dated = Dated(sessions=payments.sessions, refunds=payments.refunds)
    assert compare(dated).repaired == [f"refund {refund} of payment {intent} is failed at Stripe"]
    assert not order_of(paid).refunded_total
    assert_agrees(payments)


def test_a_refund_that_stripe_does_not_know_goes_before_a_person(buyer: Buyer, payments: FakePayments) -> None:
    paid = buyer.buy()
    intent = intent_of(paid, payments)
    refund = payments.refund(intent, 500)
    refunds.sync_refunds(intent, payments=payments, site=SITE, now=utcnow())
    payments.refunds.clear()
    (what,) = compare(payments).mismatches
    assert what == f"Refund {refund} of order {order_of(paid).number} is succeeded here, and Stripe does not know it."


@pytest.mark.parametrize("is_young", [True, False], ids=["listed", "asked about alone"])
def test_a_refund_that_stripe_knows_again_is_no_mismatch_any_more(
    buyer: Buyer, payments: FakePayments, is_young: bool
) -> None:
    intent = intent_of(buyer.buy(), payments)
    payments.refund(intent, 500)
    refunds.sync_refunds(intent, payments=payments, site=SITE, now=utcnow())

    class OnlyOld(FakePayments):
        list_refunds_since = lambda self, since: []  # noqa: E731

    known = payments if is_young else OnlyOld(sessions=payments.sessions, refunds=payments.refunds)
    assert compare(FakePayments(sessions=payments.sessions)).mismatches and len(notes()) == 1
    assert compare(known).is_clean and notes() == []


def test_disputes_that_nobody_told_of_are_followed_until_they_are_decided(buyer: Buyer, payments: FakePayments) -> None:
    paid = buyer.buy()
    dispute = payments.dispute(intent_of(paid, payments), 500, now=utcnow())
    assert compare(payments).repaired == [f"dispute {dispute} is needs_response at Stripe"]
    assert len(notes()) == 1
    assert_agrees(payments)
    payments.change_dispute(dispute, status="won")

    class OnlyYoung(FakePayments):
        list_disputes = lambda self, since: []  # noqa: E731

    compare(OnlyYoung(sessions=payments.sessions, disputes=payments.disputes))
    assert db.session.scalars(select(Dispute.state)).one() == "won"
    assert notes() == []
    kinds = set(db.session.scalars(select(OrderEvent.kind)))
    db.release()
    assert {"dispute", "dispute_closed"} <= kinds


def test_a_refund_of_a_payment_that_stripe_does_not_know_goes_before_a_person(
    buyer: Buyer, payments: FakePayments
) -> None:
    intent = intent_of(buyer.buy(), payments)
    payments.refund(intent, 500, RefundOutcome.PENDING)
    refunds.sync_refunds(intent, payments=payments, site=SITE, now=utcnow())

    class AnotherAccount(FakePayments):
        list_refunds_since = lambda self, since: []  # noqa: E731

        def list_refunds(self, payment_intent: str) -> list[PaymentRefund]:
            raise UnknownSession

    report = compare(AnotherAccount(sessions=payments.sessions))
    assert report.failed == 0 and "is pending here, and Stripe does not know it" in report.mismatches[0]
    assert [note.what for note in notes()] == report.mismatches


@pytest.mark.parametrize("is_young", [True, False], ids=["listed", "asked about alone"])
def test_a_dispute_that_stripe_does_not_know_goes_before_a_person(
    buyer: Buyer, payments: FakePayments, is_young: bool
) -> None:
    paid = buyer.buy()
    dispute = payments.dispute(intent_of(paid, payments), 500, now=utcnow())
    compare(payments)
    report = compare(FakePayments(sessions=payments.sessions))
    number = order_of(paid).number
    what = f"Dispute {dispute} of order {number} is needs_response here, and Stripe does not know it."
    assert report.mismatches == [what] and report.failed == 0
    assert {note.kind for note in notes()} == {"dispute", "mismatch"}
    if not is_young:
        payments.disputed_at[dispute] -= 2 * REACH
    assert compare(payments).is_clean and [note.kind for note in notes()] == ["dispute"]


@pytest.mark.parametrize("amount", [10**12, 10_000_000_001])
def test_an_old_refund_that_no_book_holds_goes_before_a_person(
    buyer: Buyer, payments: FakePayments, amount: int
) -> None:
    """Another one of the same payment was listed long ago, and waits for its bank."""
    intent = intent_of(buyer.buy(), payments)
    mine = payments.refund(intent, 500, RefundOutcome.PENDING)
    refunds.sync_refunds(intent, payments=payments, site=SITE, now=utcnow())

    class OnlyOld(FakePayments):
        list_refunds_since = lambda self, since: []  # noqa: E731

    payments.refund(intent, amount)
    report = compare(OnlyOld(sessions=payments.sessions, refunds=payments.refunds))
    assert report.failed == 0 and "with an amount that the books cannot hold" in report.mismatches[0]
    assert [note.about for note in notes()] == [mine]


def test_an_old_dispute_that_no_book_holds_any_more_goes_before_a_person(buyer: Buyer, payments: FakePayments) -> None:
    dispute = payments.dispute(intent_of(buyer.buy(), payments), 500, now=utcnow())
    compare(payments)
    payments.change_dispute(dispute, status="under_review", amount=10**12)
    payments.disputed_at[dispute] -= 2 * REACH
    report = compare(payments)
    assert report.failed == 0 and "with an amount that the books cannot hold" in report.mismatches[0]
    assert [note.about for note in notes() if note.kind == "mismatch"] == [dispute]
