"""What a refund at the payment service says, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RefundOutcome(StrEnum):
    """`pending`: on its way. `failed`: the money came back or never went, also after it had been called succeeded."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class PaymentRefund:
    """`amount` in minor units of `currency` (lower-case code)."""

    id: str
    amount: int
    currency: str
    outcome: RefundOutcome
