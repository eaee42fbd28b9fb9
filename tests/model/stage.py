"""The ground on which the rules play: the world, what can be picked from it, and what is asked after each step."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TypeVar

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from mountify import db
from mountify.core.payment_session import SessionOutcome
from tests.databases import empty
from tests.model import closing
from tests.model.book import PRICES
from tests.model.world import BUYERS, World

T = TypeVar("T")
OPEN, PROCESSING, PAID = SessionOutcome.OPEN, SessionOutcome.PROCESSING, SessionOutcome.PAID
WHICH = st.integers(0, 11)
DIES = st.sampled_from([*[None] * 6, 1, 2, 3, 4, 5, 6])  # at which checkpoint on the way, if at any
BUYER, PART, FEW = st.sampled_from(BUYERS), st.sampled_from(sorted(PRICES)), st.integers(1, 2)


def pick(things: Sequence[T], which: int) -> T:
    return things[which % len(things)]


class Stage(RuleBasedStateMachine):
    engine: sa.Engine  # set by the test

    def __init__(self) -> None:
        super().__init__()
        self.engine.dispose()  # random() in SQL begins anew, too: see the test
        db.bind(self.engine, join_transaction_mode="conditional_savepoint")
        empty(self.engine)
        self.world = World()
        self.book, self.stripe = self.world.book, self.world.stripe
        self._watch = self.world.crashes.watching()
        self._watch.__enter__()

    @invariant()
    def book_and_shop_agree(self) -> None:
        self.world.compare()
        closing.assert_kept(self.world)
        self.world.weather_passes()

    def teardown(self) -> None:
        is_over = sys.exc_info()[0] is None  # else something else is to be told
        try:
            if is_over:
                closing.close(self.world)
        finally:
            self._watch.__exit__(None, None, None)
            db.release()
            empty(self.engine)

    def sessions(self, *outcomes: SessionOutcome) -> list[str]:
        """Sessions that a buyer has the address of."""
        return [session_id for session_id in self.book.pages if self.stripe.sessions[session_id].outcome in outcomes]

    def orders(self, *statuses: str) -> list[int]:
        return [order_id for order_id, order in self.book.orders.items() if order.status in statuses]

    def payments(self) -> list[str]:
        return [str(self.stripe.sessions[session_id].payment_intent) for session_id in self.sessions(PAID)]

    def undisputed(self) -> list[str]:
        """Payments of which something is left and that no bank asks about."""
        return [each for each in self.payments() if self.stripe.left_of(each) > 0 and not self.stripe.is_disputed(each)]
