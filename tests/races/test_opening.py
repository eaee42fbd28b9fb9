"""An order whose session is being opened at Stripe: whoever ends it then ends the session, too."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mountify import db
from mountify.core.clock import utcnow
from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.models.order import Order
from mountify.services import checkout, payment_sessions, webhooks
from tests.buyers import SITE, Buyer
from tests.factories import make_product, make_shop, new_key
from tests.fakes import FakeMailer, FakePayments
from tests.races.crowd import Observer
from tests.races.judge import assert_one_story
from tests.races.pausing import run_while_held

pytestmark = pytest.mark.commits

STOCK = 9
LATER = timedelta(minutes=36)
OPENING = ("checkout.reserved", "checkout.session_created")


class Died(Exception):
    """The process went away while it asked Stripe."""


class Dying(FakePayments):
    def create_session(self, params: Any, idempotency_key: str) -> PaymentSession:
        raise Died


@dataclass
class Tab:
    """The shopper's first tab is on its way to Stripe; these are the others."""

    buyer: Buyer
    payments: FakePayments

    def cancel(self) -> object:
        order_id = db.session.scalars(select(Order.id)).one()
        return checkout.cancel(order_id, payments=self.payments, site=SITE, now=utcnow())

    def run_out(self) -> object:
        return payment_sessions.end_overdue(payments=self.payments, site=SITE, now=utcnow() + LATER).done

    def send_again(self) -> object:
        return self.buyer.start()

    def change(self) -> object:
        return self.buyer.start("sam@work.example", new_key())


@pytest.fixture
def tab(database: None, payments: FakePayments) -> Tab:
    make_shop()
    buyer = Buyer(payments)
    buyer.add(make_product(stock=STOCK), 2)
    db.release()
    return Tab(buyer, payments)


def open_while(tab: Tab, point: str, rival: Callable[[], object], observer: Observer) -> list[str]:
    """Let the first tab stand at a point while its rival acts; gives what came of both."""
    return [type(result).__name__ for result in run_while_held(point, tab.buyer.start, [rival], observer)]


def judge(payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int], *outcomes: SessionOutcome) -> None:
    while run_jobs():
        pass
    assert_one_story(payments, mailer, stock=STOCK)
    assert sorted(session.outcome for session in payments.sessions.values()) == sorted(outcomes)


@pytest.mark.parametrize("point", OPENING)
def test_nobody_is_sent_to_a_session_that_was_ended(
    tab: Tab, observer: Observer, mailer: FakeMailer, run_jobs: Callable[[], int], point: str
) -> None:
    assert open_while(tab, point, tab.cancel, observer) == ["CartChanged", "Order"]
    judge(tab.payments, mailer, run_jobs, SessionOutcome.CLOSED)


@pytest.mark.parametrize("point", OPENING)
def test_a_checkout_that_slept_through_its_time_sends_nobody_to_stripe(
    tab: Tab, observer: Observer, mailer: FakeMailer, run_jobs: Callable[[], int], point: str
) -> None:
    assert open_while(tab, point, tab.run_out, observer) == ["CartChanged", "int"]
    judge(tab.payments, mailer, run_jobs, SessionOutcome.CLOSED)


@pytest.mark.parametrize("point", OPENING)
def test_the_same_page_sent_twice_is_one_order_and_one_session(
    tab: Tab, observer: Observer, mailer: FakeMailer, run_jobs: Callable[[], int], point: str
) -> None:
    assert open_while(tab, point, tab.send_again, observer) == ["Started", "Started"]
    judge(tab.payments, mailer, run_jobs, SessionOutcome.OPEN)


@pytest.mark.parametrize("point", OPENING)
def test_a_changed_cart_ends_what_is_being_opened(
    tab: Tab, observer: Observer, mailer: FakeMailer, run_jobs: Callable[[], int], point: str
) -> None:
    assert open_while(tab, point, tab.change, observer) == ["CartChanged", "Started"]
    judge(tab.payments, mailer, run_jobs, SessionOutcome.CLOSED, SessionOutcome.OPEN)


@pytest.mark.parametrize("outcome", [SessionOutcome.PAID, SessionOutcome.CLOSED, SessionOutcome.PROCESSING])
def test_what_stripe_tells_before_its_answer_is_stored_is_believed(
    tab: Tab, observer: Observer, mailer: FakeMailer, run_jobs: Callable[[], int], outcome: SessionOutcome
) -> None:
    """A crash left the session unstored; the page was sent again, and is quicker paid than stored."""

    def tell() -> None:
        (session_id,) = tab.payments.sessions
        tab.payments.pay(session_id, outcome=outcome)
        event = {"id": "evt_1", "type": "checkout.session.completed", "data": {"object": {"id": session_id}}}
        webhooks.receive_stripe(json.dumps(event).encode(), "good", payments=tab.payments, now=utcnow())
        while run_jobs():
            pass

    seen = open_while(tab, "checkout.session_created", tell, observer)
    assert seen == ["Started" if outcome is SessionOutcome.PROCESSING else "CartChanged", "NoneType"]
    judge(tab.payments, mailer, run_jobs, outcome)


def test_a_repeat_that_is_refused_ends_the_session_that_is_there_by_now(
    tab: Tab, observer: Observer, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    """Who ends an order found no session and asks Stripe again; meanwhile the shopper was sent to one."""
    tab.buyer.payments = Dying()
    with pytest.raises(Died):
        tab.buyer.start()
    tab.buyer.payments = tab.payments

    def send_again_and_let_stripe_refuse() -> object:
        started = tab.send_again()
        tab.payments.refuses = True
        return started

    outcomes = run_while_held("end.chosen", tab.cancel, [send_again_and_let_stripe_refuse], observer)
    assert [type(outcome).__name__ for outcome in outcomes] == ["Order", "Started"]
    judge(tab.payments, mailer, run_jobs, SessionOutcome.CLOSED)
