"""Holds end when Stripe has said that nobody can pay any more, and never before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from mountify import db
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors.carts import CartChanged
from mountify.core.errors.outside import SomeFailed
from mountify.core.errors.payments import PaymentRefused, PaymentsUnavailable, UnknownSession
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.core.site import Site
from mountify.gateways import Gateways
from mountify.jobs.worker import run_once
from mountify.models.catalogue import Product
from mountify.models.email import Email
from mountify.models.order import Order, OrderEvent
from mountify.models.payment import AttemptState, PaymentAttempt
from mountify.models.task_run import TaskRun
from mountify.one_by_one import Tally
from mountify.services import attention, attention_notes, carts, checkout, order_sync, payment_sessions
from mountify.services.audit import audit
from mountify.services.checkout import Started
from mountify.services.payment_sessions import UNKNOWN_KEPT_FOR
from tests.buyers import SITE, Buyer, open_another_session, order_of, stock_of
from tests.factories import new_key
from tests.fakes import FakeMailer, FakePayments

LATER = timedelta(minutes=36)


def end_overdue(payments: FakePayments, after: timedelta = LATER) -> int:
    return payment_sessions.end_overdue(payments=payments, site=SITE, now=utcnow() + after).done


def end_all(*, payments: FakePayments, site: Site, now: datetime) -> Tally:
    return payment_sessions.end_overdue(payments=payments, site=site, now=now + LATER)


class Power(Exception):
    """The machine went off."""


class Cut(FakePayments):
    """Stripe acts, and we never hear of it: the process dies while it waits for the answer, or before it asks."""

    is_heard = True

    def create_session(self, params: Any, idempotency_key: str) -> PaymentSession:
        if self.is_heard:
            super().create_session(params, idempotency_key)
        raise Power


def die_while_asking(buyer: Buyer, payments: FakePayments, *, is_heard: bool) -> Started:
    """Start a checkout whose process dies at Stripe; gives the order it leaves behind."""
    cut = Cut(sessions=payments.sessions, by_key=payments.by_key, _ids=payments._ids)
    cut.is_heard = is_heard
    buyer.payments = cut
    with pytest.raises(Power):
        buyer.start()
    buyer.payments = payments
    db.release()
    return Started(db.session.scalars(select(PaymentAttempt.order_id)).one(), url="")


def test_a_hold_is_not_ended_before_its_time(buyer: Buyer, payments: FakePayments, product: Product) -> None:
    buyer.start()
    assert end_overdue(payments, timedelta(minutes=34)) == 0
    assert stock_of(product) == (5, 2)


def test_a_hold_whose_time_is_over_ends_at_stripe_first(
    buyer: Buyer, payments: FakePayments, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    started = buyer.start()
    assert end_overdue(payments) == 1
    assert payments.sessions[buyer.session_of(started)].outcome is SessionOutcome.CLOSED
    assert order_of(started).status is OrderStatus.EXPIRED
    assert stock_of(product) == (5, 0) and carts.count(buyer.owner) == 2
    assert end_overdue(payments) == 0
    run_jobs()
    (mail,) = mailer.sent.values()
    assert mail["to"] == "sam@example.com" and "was not paid" in mail["subject"] and "/cart" in mail["text"]


def test_what_was_paid_in_the_last_second_is_sold(buyer: Buyer, payments: FakePayments, product: Product) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    assert end_overdue(payments) == 1
    assert order_of(started).status is OrderStatus.PAID
    assert stock_of(product) == (3, 0)


def test_while_stripe_is_silent_nothing_is_given_away(buyer: Buyer, payments: FakePayments, product: Product) -> None:
    started = buyer.start()
    payments.is_down = True
    assert end_overdue(payments) == 0
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.PENDING, (5, 2))
    payments.is_down = False
    assert end_overdue(payments) == 1
    assert order_of(started).status is OrderStatus.EXPIRED


def test_who_could_not_cancel_is_told_when_the_time_has_run_out(
    buyer: Buyer, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    started = buyer.start()
    payments.is_down = True
    with pytest.raises(PaymentsUnavailable):
        checkout.cancel(started.order_id, payments=payments, site=SITE, now=utcnow())
    payments.is_down = False
    assert end_overdue(payments) == 1
    assert order_of(started).status is OrderStatus.EXPIRED
    run_jobs()
    (mail,) = mailer.sent.values()
    assert "was not paid" in mail["subject"]


def test_one_order_that_cannot_be_ended_stops_no_other(buyer: Buyer, payments: FakePayments, product: Product) -> None:
    lost, other = buyer.start(), Buyer(payments)
    other.add(product, 1)
    fine = other.start()
    del payments.sessions[buyer.session_of(lost)]
    assert end_overdue(payments) == 2
    assert order_of(fine).status is OrderStatus.EXPIRED and order_of(lost).status is OrderStatus.PENDING
    assert end_overdue(payments, LATER + UNKNOWN_KEPT_FOR) == 1


@pytest.mark.parametrize("is_delayed", [False, True])
def test_one_order_that_breaks_our_code_stops_no_other_and_is_logged_with_where_it_broke(
    buyer: Buyer, payments: FakePayments, product: Product, is_delayed: bool
) -> None:
    class Odd(FakePayments):
        """Stripe answers something that nobody thought of."""

        def get_session(self, session_id: str) -> PaymentSession:
            if session_id == broken:
                raise KeyError("amount_total")
            return super().get_session(session_id)

    other = Buyer(payments)
    other.add(product, 1)
    sessions = [buyer.session_of(buyer.start()), other.session_of(other.start())]
    if is_delayed:
        for session_id in sessions:
            payments.change(session_id, outcome=SessionOutcome.PROCESSING)
            buyer.sync(session_id)
            payments.pay(session_id)
    odd, work = Odd(sessions=payments.sessions), payment_sessions.sync_delayed if is_delayed else end_all
    broken = sessions[0]
    with capture_logs() as logged:
        assert work(payments=odd, site=SITE, now=utcnow()) == Tally(done=1, failed=1)
    (told,) = [entry for entry in logged if entry.get("exc_info")]
    assert (told["log_level"], told["why"]) == ("error", "KeyError")
    statuses = [order_of(Started(order_id, "")).status for order_id in db.session.scalars(select(Order.id)).all()]
    assert sorted(statuses) == sorted([OrderStatus.PENDING, OrderStatus.PAID if is_delayed else OrderStatus.EXPIRED])
    assert work(payments=payments, site=SITE, now=utcnow()) == Tally(done=1, failed=0)


@pytest.mark.parametrize("task", ["end_overdue", "sync_delayed"])
def test_a_task_that_could_not_do_all_has_not_succeeded(
    buyer: Buyer, payments: FakePayments, config: Config, task: str
) -> None:
    """Else nobody would learn that Stripe has been silent for hours about money that is on its way."""
    started = buyer.start(now=utcnow() - timedelta(hours=1))
    if task == "sync_delayed":
        payments.change(buyer.session_of(started), outcome=SessionOutcome.PROCESSING)
        buyer.sync(buyer.session_of(started))
    gateways = Gateways(payments, FakeMailer())
    payments.is_down = True
    with pytest.raises(SomeFailed, match="1 could not be done, 0 have been done"):
        run_once(task, config, gateways)
    failed = db.session.scalars(select(TaskRun)).one()
    assert (failed.error, failed.due_by is None) == ("SomeFailed", False)
    db.release()
    payments.is_down = False
    run_once(task, config, gateways)
    assert db.session.scalars(select(TaskRun.due_by)).one() is None


def test_a_session_that_stripe_does_not_know_is_looked_at_before_its_parts_are_free(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    started = buyer.start()
    del payments.sessions[buyer.session_of(started)]
    for _ in range(3):
        end_overdue(payments)
    kinds = db.session.scalars(select(OrderEvent.kind).where(OrderEvent.order_id == started.order_id)).all()
    assert sorted(kinds) == ["placed", "session_unknown"]
    assert stock_of(product) == (5, 2)
    (violation,) = audit(now=utcnow() + timedelta(hours=1))
    assert (violation.invariant, violation.repair.split()[:3]) == ("I5", ["mountify", "orders", "sync"])
    end_overdue(payments, LATER + UNKNOWN_KEPT_FOR)
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.EXPIRED, (5, 0))


def test_a_session_that_stripe_does_not_know_goes_before_a_person_once(buyer: Buyer, payments: FakePayments) -> None:
    started = buyer.start()
    session_id = buyer.session_of(started)
    del payments.sessions[session_id]
    for _ in range(3):
        end_overdue(payments)
    (item,) = attention.list_open(now=utcnow()).items
    assert (item.kind, item.order_number) == ("mismatch", order_of(started).number)
    assert f"waits for a payment in session {session_id}, and Stripe does not know that" in item.what
    attention_notes.resolve(int(item.command.removeprefix("mountify attention done ")), now=utcnow())
    end_overdue(payments)
    assert attention.list_open(now=utcnow()).total == 0
    end_overdue(payments, LATER + UNKNOWN_KEPT_FOR)


@pytest.mark.parametrize("is_heard", [True, False])
def test_an_order_whose_session_was_never_stored_is_ended_too(
    buyer: Buyer, payments: FakePayments, product: Product, is_heard: bool
) -> None:
    left = die_while_asking(buyer, payments, is_heard=is_heard)
    assert stock_of(product) == (5, 2)
    assert end_overdue(payments) == 1
    assert order_of(left).status is OrderStatus.EXPIRED
    assert stock_of(product) == (5, 0)
    assert [session.outcome for session in payments.sessions.values()] == [SessionOutcome.CLOSED]


def test_a_request_that_never_arrived_and_is_too_late_now_ends_its_order(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    left = die_while_asking(buyer, payments, is_heard=False)
    payments.refuses = True  # as Stripe refuses a time that is less than half an hour away
    assert end_overdue(payments) == 1
    assert order_of(left).status is OrderStatus.EXPIRED
    assert stock_of(product) == (5, 0) and payments.sessions == {}


def test_the_same_page_sent_again_after_a_crash_is_the_same_order(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    left = die_while_asking(buyer, payments, is_heard=True)
    assert buyer.start().order_id == left.order_id and len(payments.sessions) == 1
    assert stock_of(product) == (5, 2)


def test_a_changed_cart_after_a_crash_ends_what_was_asked_before(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    left = die_while_asking(buyer, payments, is_heard=True)
    buyer.add(product, 1)
    assert buyer.start(key=new_key()).order_id != left.order_id
    assert order_of(left).status is OrderStatus.CANCELLED
    assert stock_of(product) == (5, 3)
    assert sorted(session.outcome for session in payments.sessions.values()) == ["closed", "open"]


def test_a_tab_that_gives_up_does_not_end_what_another_tab_has_opened(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    class Slow(FakePayments):
        def create_session(self, params: Any, idempotency_key: str) -> PaymentSession:
            other = Buyer(payments)
            other.owner, other.key = buyer.owner, buyer.key
            other.start()
            db.release()
            raise PaymentsUnavailable

    buyer.payments = Slow()
    started = buyer.start()
    assert started.url.endswith(next(iter(payments.sessions)))
    assert order_of(started).status is OrderStatus.PENDING and stock_of(product) == (5, 2)


def test_a_session_that_comes_too_late_is_ended_and_nobody_is_sent_there(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    class Late(FakePayments):
        def create_session(self, params: Any, idempotency_key: str) -> PaymentSession:
            asked = payments.create_session(params, idempotency_key)
            order_id = int(params["client_reference_id"])
            payment_sessions.end(order_id, "shopper", payments=payments, site=SITE, now=utcnow())
            db.release()
            return asked

    buyer.payments = Late(sessions=payments.sessions)
    with pytest.raises(CartChanged):
        buyer.start()
    assert [session.outcome for session in payments.sessions.values()] == [SessionOutcome.CLOSED]
    assert stock_of(product) == (5, 0)


def test_delayed_payments_are_asked_about_again(buyer: Buyer, payments: FakePayments, product: Product) -> None:
    started = buyer.start()
    session_id = buyer.session_of(started)
    payments.change(session_id, outcome=SessionOutcome.PROCESSING)
    buyer.sync(session_id)
    assert end_overdue(payments, timedelta(days=3)) == 0
    assert stock_of(product) == (5, 2)
    payments.pay(session_id)
    assert payment_sessions.sync_delayed(payments=payments, site=SITE, now=utcnow()).done == 1
    assert order_of(started).status is OrderStatus.PAID
    assert payment_sessions.sync_delayed(payments=payments, site=SITE, now=utcnow()).done == 0


def test_an_order_is_asked_about_by_its_number(buyer: Buyer, payments: FakePayments, product: Product) -> None:
    started = buyer.start()

    def sync(order: Started, after: timedelta = timedelta()) -> OrderStatus:
        number, now = order_of(order).number, utcnow() + after
        return order_sync.sync_order(number, payments=payments, site=SITE, now=now).status

    assert sync(started) is OrderStatus.PENDING
    payments.pay(buyer.session_of(started))
    assert sync(started) is OrderStatus.PAID
    other = Buyer(payments)
    other.add(product, 1)
    assert sync(other.start(), LATER) is OrderStatus.EXPIRED


def test_ending_an_order_that_has_ended_asks_nobody(buyer: Buyer, payments: FakePayments) -> None:
    started = buyer.start()
    payments.pay(buyer.session_of(started))
    buyer.sync(buyer.session_of(started))
    payments.is_down = True
    payment_sessions.end(started.order_id, "shopper", payments=payments, site=SITE, now=utcnow())
    assert order_of(started).status is OrderStatus.PAID


def test_a_refused_checkout_leaves_a_closed_attempt(buyer: Buyer, payments: FakePayments, product: Product) -> None:
    payments.refuses = True
    with pytest.raises(PaymentRefused):
        buyer.start()
    assert db.session.scalars(select(PaymentAttempt.state)).all() == [AttemptState.CLOSED]
    assert end_overdue(payments) == 0 and stock_of(product) == (5, 0)


def test_a_few_that_stripe_is_silent_about_do_not_stop_the_others(payments: FakePayments, product: Product) -> None:
    sick, healthy = [], []
    for number in range(5):
        one = Buyer(payments)
        one.add(product, 1)
        (sick if number < 3 else healthy).append(one.start())

    class Silent(FakePayments):
        def expire_session(self, session_id: str) -> PaymentSession:
            if any(started.url.endswith(session_id) for started in sick):
                raise PaymentsUnavailable
            return super().expire_session(session_id)

    silent = Silent(sessions=payments.sessions)
    for _ in range(200):  # each run takes them in another order: that all of these begin with the sick has no chance
        end_overdue(silent)
        if all(order_of(started).status is OrderStatus.EXPIRED for started in healthy):
            break
    assert [order_of(started).status for started in healthy] == [OrderStatus.EXPIRED] * 2
    assert [order_of(started).status for started in sick] == [OrderStatus.PENDING] * 3
    end_overdue(payments)


def test_a_session_of_another_shop_with_the_same_number_is_not_ours(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    payments.is_down = True
    with pytest.raises(PaymentsUnavailable):
        buyer.start()
    payments.is_down = False
    other = FakePayments(_ids=payments._ids)
    order_id = db.session.scalars(select(PaymentAttempt.order_id)).one()
    params = db.session.scalars(select(PaymentAttempt.params)).one()
    db.release()
    foreign = other.create_session({**params, "metadata": {"attempt": "attempt-of-another-shop"}}, "x")
    payments.sessions[foreign.id] = foreign
    payments.pay(foreign.id)
    with pytest.raises(UnknownSession):
        buyer.sync(foreign.id)
    assert order_of(Started(order_id, "")).status is OrderStatus.CANCELLED


def test_who_has_an_order_stripe_does_not_know_can_order_anew(
    buyer: Buyer, payments: FakePayments, product: Product
) -> None:
    lost = buyer.start()
    del payments.sessions[buyer.session_of(lost)]
    buyer.add(product, 1)
    assert buyer.start(key=new_key()).order_id != lost.order_id
    end_overdue(payments, LATER + UNKNOWN_KEPT_FOR)


@pytest.mark.parametrize(
    "changes",
    [{"outcome": SessionOutcome.CLOSED}, {"outcome": SessionOutcome.FAILED}, {"amount_total": 1}],
    ids=["it runs out", "its money does not come", "its money does not fit"],
)
def test_what_becomes_of_another_session_does_not_end_the_order(
    buyer: Buyer, payments: FakePayments, product: Product, run_jobs: Callable[[], int], changes: dict[str, Any]
) -> None:
    started = buyer.start()
    other = open_another_session(started, payments)
    payments.pay(other, **changes)
    buyer.sync(other)
    run_jobs()
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.PENDING, (5, 2))
    payments.pay(buyer.session_of(started))
    buyer.sync(buyer.session_of(started))
    assert (order_of(started).status, stock_of(product)) == (OrderStatus.PAID, (3, 0))


def test_an_address_is_told_of_expiry_once_a_day(payments: FakePayments, product: Product) -> None:
    for _ in range(3):
        one = Buyer(payments)
        one.add(product, 1)
        one.start()
        end_overdue(payments)
    assert db.session.scalars(select(Email.kind)).all() == ["expired"]
