"""What banks decide, at once, days later, or again when everybody thought that it was over."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from mountify.core.payment_refund import RefundOutcome
from mountify.core.payment_session import SessionOutcome
from tests.model.stage import PAID, PROCESSING, WHICH, Stage, pick


class Banks(Stage):
    @precondition(lambda self: self.sessions(PROCESSING))
    @rule(which=WHICH, has_money=st.booleans())
    def bank_answers(self, which: int, has_money: bool) -> None:
        outcome = PAID if has_money else SessionOutcome.FAILED
        self.stripe.change(pick(self.sessions(PROCESSING), which), outcome=outcome)

    @rule(are_slow=st.booleans())
    def banks_take_their_time(self, are_slow: bool) -> None:
        """From now on a refund is on its way for a while, or is not."""
        self.stripe.is_slow_to_refund = are_slow

    def refunds(self, *outcomes: RefundOutcome) -> list[tuple[str, str]]:
        made = ((intent, each) for intent, mine in self.stripe.refunds.items() for each in mine.values())
        return [(intent, each.id) for intent, each in made if each.outcome in outcomes]

    @precondition(lambda self: self.refunds(RefundOutcome.PENDING, RefundOutcome.SUCCEEDED))
    @rule(which=WHICH, arrives=st.booleans())
    def refund_goes_on(self, which: int, arrives: bool) -> None:
        """A refund arrives, or a bank does not take it, perhaps long after it was called succeeded."""
        intent, refund_id = pick(self.refunds(RefundOutcome.PENDING, RefundOutcome.SUCCEEDED), which)
        outcome = RefundOutcome.SUCCEEDED if arrives else RefundOutcome.FAILED
        if self.stripe.refunds[intent][refund_id].outcome is not outcome:
            self.stripe.change_refund(intent, refund_id, outcome)

    @precondition(lambda self: self.undisputed())
    @rule(which=WHICH)
    def dispute(self, which: int) -> None:
        intent = pick(self.undisputed(), which)
        self.stripe.dispute(intent, self.stripe.left_of(intent), now=self.world.now)

    def disputes(self) -> list[str]:
        return [dispute.id for dispute in self.stripe.disputes.values() if not dispute.is_closed]

    @precondition(lambda self: self.disputes())
    @rule(which=WHICH, status=st.sampled_from(["under_review", "won", "lost"]))
    def dispute_goes_on(self, which: int, status: str) -> None:
        self.stripe.change_dispute(pick(self.disputes(), which), status=status)
