"""Refunds that are asked for at once: by two operators, by operator and dashboard, by command and job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.errors.payments import AlreadyRefunded, RefundTooHigh
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.models.catalogue import Product
from mountify.models.order import OrderEvent
from mountify.models.payment import Payment, Refund, RefundState
from mountify.services import refund_requests, refund_sending, refunds
from mountify.services.audit import audit
from mountify.services.checkout import Started
from mountify.services.refund_requests import Wish
from tests.buyers import SITE, Buyer, order_of, stock_of
from tests.fakes import FakeMailer, FakePayments
from tests.races.crowd import Observer
from tests.races.pausing import run_while_held

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("no_deadlock")]
PART = Money.of("5.00")


@dataclass
class Counter:
    """A paid order, and the money that went back for it."""

    started: Started
    payments: FakePayments
    intent: str

    def ask(self, amount: Money | None = None) -> int:
        return refund_requests.request(self.started.order_id, Wish(amount=amount, parts=None), now=utcnow())

    def send(self, refund_id: int) -> str:
        return refund_sending.send(refund_id, payments=self.payments, site=SITE, now=utcnow()).state

    def hear(self) -> int:
        return refunds.sync_refunds(self.intent, payments=self.payments, site=SITE, now=utcnow())

    @property
    def states(self) -> list[RefundState]:
        states = list(db.session.scalars(select(Refund.state).order_by(Refund.id)))
        db.release()
        return states

    @property
    def sent_back(self) -> int:
        return sum(refund.amount for refund in self.payments.refunds.get(self.intent, {}).values())


@pytest.fixture
def counter(buyer: Buyer, payments: FakePayments, run_jobs: Callable[[], int], mailer: FakeMailer) -> Counter:
    started = buyer.buy()
    run_jobs()
    mailer.sent.clear()
    intent = db.session.scalars(select(Payment.payment_intent)).one()
    db.release()
    return Counter(started, payments, intent)


def assert_whole(counter: Counter, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int]) -> None:
    """All of it has gone back once, with its parts, and each refund was told once."""
    while run_jobs():
        pass
    order = order_of(counter.started)
    assert (order.status, order.refunded_total) == (OrderStatus.REFUNDED, order.total)
    assert counter.sent_back == int(order.total.amount * 100) and stock_of(product) == (5, 0)
    kinds = list(db.session.scalars(select(OrderEvent.kind)))
    db.release()
    assert kinds.count("refund") == len(counter.payments.refunds[counter.intent]) == len(mailer.sent)
    assert kinds.count("refunded") == 1 and audit(now=utcnow()) == []


def test_two_operators_who_give_all_back_give_it_back_once(
    counter: Counter, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int], observer: Observer
) -> None:
    first, second = run_while_held("refund.requested", counter.ask, [counter.ask], observer)
    assert isinstance(first, int) and isinstance(second, AlreadyRefunded)
    assert_whole(counter, product, mailer, run_jobs)


@pytest.mark.parametrize("point", ["refund.before_send", "refund.sent", "refund.locked", "refund.before_commit"])
def test_the_command_and_the_job_send_it_once(
    counter: Counter, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int], observer: Observer, point: str
) -> None:
    refund_id = counter.ask()
    results = run_while_held(
        point, lambda: counter.send(refund_id), [lambda: counter.send(refund_id), counter.hear], observer
    )
    assert results[:2] == [RefundState.SUCCEEDED] * 2 and counter.states == [RefundState.SUCCEEDED]
    assert_whole(counter, product, mailer, run_jobs)


@pytest.mark.parametrize("point", ["refund.read", "refund.before_send"])
def test_the_dashboard_gives_all_of_it_back_before_the_operator(
    counter: Counter, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int], observer: Observer, point: str
) -> None:
    refund_id, total = counter.ask(), int(order_of(counter.started).total.amount * 100)
    results = run_while_held(
        point,
        lambda: counter.send(refund_id),
        [counter.hear],
        observer,
        meanwhile=lambda: str(counter.payments.refund(counter.intent, total)) and None,
    )
    assert results[0] is RefundState.VOID and len(counter.states) == 2
    assert_whole(counter, product, mailer, run_jobs)


def test_who_hears_of_the_dashboards_while_ours_is_refused_finds_the_same(
    counter: Counter, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int], observer: Observer
) -> None:
    """Ours was too much then: it has failed, and what is left can be asked for."""
    refund_id = counter.ask()
    counter.payments.refund(counter.intent, 500)
    results = run_while_held("refund.refused", lambda: counter.send(refund_id), [counter.hear], observer)
    assert results[0] is RefundState.FAILED
    assert order_of(counter.started).refunded_total == PART
    counter.send(counter.ask())
    assert_whole(counter, product, mailer, run_jobs)


def test_two_parts_at_once_are_never_more_than_what_was_paid(
    counter: Counter, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int], observer: Observer
) -> None:
    total = order_of(counter.started).total
    most = total - Money.of("0.01")
    first, second = run_while_held("refund.requested", lambda: counter.ask(most), [lambda: counter.ask(PART)], observer)
    assert isinstance(first, int) and isinstance(second, RefundTooHigh)
    counter.send(counter.ask())
    assert_whole(counter, product, mailer, run_jobs)


def test_the_same_form_sent_twice_at_once_is_one_refund(
    counter: Counter, product: Product, mailer: FakeMailer, run_jobs: Callable[[], int], observer: Observer
) -> None:
    wish = Wish(amount=PART, key="one form")

    def send_form() -> int:
        return refund_requests.request(counter.started.order_id, wish, now=utcnow())

    first, second = run_while_held("refund.requested", send_form, [send_form], observer)
    assert isinstance(first, int) and first == second and counter.states == [RefundState.CREATED]
    run_jobs()
    assert counter.sent_back == 500
    counter.ask()
    assert_whole(counter, product, mailer, run_jobs)
