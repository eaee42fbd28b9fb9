"""What a dispute at the payment service says: the buyer's bank asks for the money, or has taken it back already."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# Stripe's words are kept as they are, since it adds to them: https://docs.stripe.com/api/disputes/object
LOST = "lost"
CLOSED = frozenset({LOST, "won", "warning_closed", "prevented"})
_ANSWERED = frozenset({"warning_under_review", "under_review", "appeal_under_review"})
# First the bank only asks, then it takes; an appeal comes last: https://docs.stripe.com/disputes/arbitration
_ONWARD = (
    "warning_needs_response",
    "warning_under_review",
    "needs_response",
    "under_review",
    "appeal_needs_response",
    "appeal_under_review",
)


@dataclass(frozen=True)
class PaymentDispute:
    """`amount` in minor units of `currency` (lower-case code). `due_by`: until when to answer; None when nobody can."""

    id: str
    payment_intent: str | None
    amount: int
    currency: str
    reason: str
    status: str
    due_by: datetime | None

    @property
    def is_closed(self) -> bool:
        return self.status in CLOSED

    @property
    def is_inquiry(self) -> bool:
        """The bank asks, and has taken nothing back yet."""
        return self.status.startswith("warning_")

    @property
    def wants_a_person(self) -> bool:
        """It is to be answered, or it is lost; so are words that Stripe did not know when this was written."""
        return self.status == LOST or not (self.is_closed or self.status in _ANSWERED)

    def follows(self, known: str) -> bool:
        """Say whether this comes after a status that is known, and was not read before something that is over."""
        if self.status == known or (known in CLOSED and not self.is_closed):
            return False
        if known in _ONWARD and self.status in _ONWARD:
            return _ONWARD.index(self.status) > _ONWARD.index(known)
        return True
