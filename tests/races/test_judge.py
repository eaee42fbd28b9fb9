"""The judge of all races sees each way in which a race may be lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from mountify.core.clock import utcnow
from mountify.core.payment_session import SessionOutcome
from mountify.models.order import Order
from mountify.transaction import transaction
from tests.buyers import Buyer
from tests.factories import make_product, make_shop
from tests.fakes import FakeMailer, FakePayments
from tests.races.judge import assert_one_story

STOCK = 9


@dataclass
class Case:
    """One order is paid, one waits, one has run out; its damages are what a lost race would leave behind."""

    payments: FakePayments
    mailer: FakeMailer
    paid: str = ""
    open: str = ""

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
    sessions = []
    for outcome in (SessionOutcome.PAID, SessionOutcome.OPEN, SessionOutcome.CLOSED):
        buyer = Buyer(payments)
        buyer.add(product, 2)
        sessions.append(buyer.session_of(buyer.start()))
        payments.pay(sessions[-1], outcome=outcome)
        buyer.sync(sessions[-1])
    while run_jobs():
        pass
    case.paid, case.open, _ = sessions
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
