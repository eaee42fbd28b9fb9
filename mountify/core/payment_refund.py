"""What a refund at the payment service says, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RefundOutcome(StrEnum):
    """`pending`: on its way. `failed`: the money came back or never went, also after it had been called succeeded."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RefundReason(StrEnum):
    """Why money goes back; all but the first two are reasons for which a payment is sent back by itself."""

    AT_STRIPE = "made at Stripe"
    MERCHANT = "by the merchant"
    SOLD_OUT = "sold out"
    PAID_ALREADY = "paid already"
    ANOTHER_AMOUNT = "another amount"
    ANOTHER_ORDER = "another order"


@dataclass(frozen=True)
class PaymentRefund:
    """`amount` in minor units of `currency` (lower-case code); `key` is the one it was asked for under, if by us."""

    id: str
    amount: int
    currency: str
    outcome: RefundOutcome
    key: str | None = None
    payment_intent: str | None = None
