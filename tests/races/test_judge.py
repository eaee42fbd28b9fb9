"""The judge of all races sees each way in which a race may be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mountify.core.clock import utcnow
from mountify.core.money import from_minor
from mountify.core.payment_session import SessionOutcome
from mountify.models.order import Order
from mountify.services import refund_requests
from mountify.services.refund_requests import Wish
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.factories import make_product, make_shop
from tests.fakes import FakeMailer, FakePayments
from tests.races.judge import assert_one_story

STOCK = 9
PART = 100  # cents


@dataclass
class Case:
    """One order is paid, one waits, one has run out, of two the money goes back, of one all of it and of one a part.

    Its damages are what a lost race would leave behind.
    """

    payments: FakePayments
    mailer: FakeMailer
    paid: str = ""
    open: str = ""
    given_back: str = ""
    partly: str = ""

    def judge(self) -> None:
        assert_one_story(self.payments, self.mailer, stock=STOCK)

    def pays_unnoticed(self) -> None:
        self.payments.pay(self.open)

    def is_released_while_it_can_be_paid(self) -> None:
        closed = next(name for name, session in self.payments.sessions.items() if session.outcome == "closed")
        self.payments.change(closed, outcome=SessionOutcome.OPEN)

    def is_sold_without_money(self) -> None:
        self.payments.change(self.paid, outcome=SessionOutcome.CLOSED)

    def is_told_twice(self) -> None:
        key = next(key for key in self.mailer.sent if key.startswith("confirmed:"))
        self.mailer.sent[f"{key}:again"] = self.mailer.sent[key]

    def is_never_told(self) -> None:
        self.mailer.sent.clear()

    def is_refunded_unnoticed(self) -> None:
        self.payments.refund(self._intent_of(self.paid), 100)

    def is_refunded_here_alone(self) -> None:
        """The shop says that it sent money back, and Stripe knows of none."""
        self.payments.refunds[self._intent_of(self.partly)].clear()

    def is_called_paid_when_all_went_back(self) -> None:
        self.payments.change(self.partly, amount_total=PART)

    def is_told_of_a_refund_twice(self) -> None:
        key = self._mail_of_refund()
        self.mailer.sent[f"{key}:again"] = self.mailer.sent[key]

    def is_never_told_of_a_refund(self) -> None:
        del self.mailer.sent[self._mail_of_refund()]

    def _intent_of(self, session_id: str) -> str:
        return str(self.payments.sessions[session_id].payment_intent)

    def _mail_of_refund(self) -> str:
        (refund_id,) = self.payments.refunds[self._intent_of(self.given_back)]
        return next(key for key in self.mailer.sent if key.startswith(f"refunded:{refund_id}:"))

    def has_two_sessions(self) -> None:
        self.payments.create_session(self.payments.asked[0][1], "another key")

    def is_released_and_sold(self) -> None:
        with transaction() as session:
            order = session.get_one(Order, self.payments.sessions[self.paid].order_id)
            order.record("cancelled", now=utcnow())


DAMAGES = [name for name in vars(Case) if name.startswith(("is_", "has_", "pays_"))]


@pytest.fixture
def case(database: None, payments: FakePayments, mailer: FakeMailer, run_jobs: Callable[[], int]) -> Case:
    make_shop()
    product, case = make_product(stock=STOCK), Case(payments, mailer)
    sessions, paid = [], SessionOutcome.PAID
    for outcome in (paid, SessionOutcome.OPEN, SessionOutcome.CLOSED, paid, paid):
        buyer = Buyer(payments)
        buyer.add(product, 1)
        sessions.append(buyer.session_of(buyer.start()))
        payments.pay(sessions[-1], outcome=outcome)
        buyer.sync(sessions[-1])
    case.paid, case.open, _, case.given_back, case.partly = sessions
    for session_id, amount in ((case.given_back, None), (case.partly, from_minor(PART, "USD"))):
        order_id = payments.sessions[session_id].order_id or 0
        refund_requests.request(order_id, Wish(amount), now=utcnow())
    while run_jobs():
        pass
    return case


def test_a_race_that_was_not_lost_is_one_story(case: Case) -> None:
    case.judge()


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_a_lost_race_leaves_behind_is_seen(case: Case, damage: str) -> None:
    getattr(case, damage)()
    with pytest.raises(AssertionError):
        case.judge()


def test_a_part_that_is_missing_on_the_shelf_is_seen(case: Case) -> None:
    with pytest.raises(AssertionError):
        assert_one_story(case.payments, case.mailer, stock=STOCK + 1)
