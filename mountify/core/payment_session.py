"""What a checkout session at the payment service says, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SessionOutcome(StrEnum):
    """`open`: can still be paid. `processing`: completed, the money is on its way. `closed`: can never be paid.

    `failed`: completed, and the money did not come: https://docs.stripe.com/payments/checkout/fulfill-orders#delayed
    """

    OPEN = "open"
    PROCESSING = "processing"
    PAID = "paid"
    FAILED = "failed"
    CLOSED = "closed"


@dataclass(frozen=True)
class Delivery:
    """Where the parcel goes: the delivery address, never the billing one."""

    name: str
    phone: str
    address: dict[str, str]


@dataclass(frozen=True)
class PaymentSession:
    """Amounts in minor units of `currency` (lower-case code)."""

    id: str
    url: str | None
    outcome: SessionOutcome
    amount_total: int
    currency: str
    order_id: int | None
    attempt: str | None  # the key the shop asked under
    payment_intent: str | None
    email: str | None
    delivery: Delivery | None
    leads_to: str = ""  # where its buyer comes back to

    def is_of(self, base_url: str) -> bool:
        """Say whether the shop at this address has made it: another one may share the account."""
        return self.leads_to.startswith(f"{base_url}/")
