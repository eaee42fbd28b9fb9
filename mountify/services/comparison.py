"""What Stripe lists beside what the shop has written down: the differences, and nothing done about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import or_, select

from mountify import db
from mountify.core.order_status import OrderStatus
from mountify.core.payment_dispute import PaymentDispute
from mountify.core.payment_refund import PaymentRefund
from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.models.base import is_one_of
from mountify.models.order import Order
from mountify.models.payment import AttemptState, Dispute, Payment, PaymentAttempt, Refund, RefundState
from mountify.services import our_books
from mountify.services.refunds import is_news
from mountify.services.wording import outcome_of


class Kind(StrEnum):
    """What is to be read again. `open_session`: it must be ended first; its order has ended already."""

    SESSION = "session"
    OPEN_SESSION = "open_session"
    REFUNDS = "refunds"
    DISPUTE = "dispute"


@dataclass(frozen=True)
class Difference:
    """Something that Stripe knows and the shop does not; `about` is Stripe's id, for refunds their payment's."""

    kind: Kind
    about: str
    what: str

    def __str__(self) -> str:
        return self.what


def compare_sessions(listed: Sequence[PaymentSession]) -> tuple[list[Difference], list[PaymentSession]]:
    """Give the differences, and the sessions the shop knows nothing of: lost here, or of another shop."""
    known = _attempts_of(listed)
    differences, unknown = [], []
    for seen in listed:
        attempt = known.get(seen.id) or known.get(seen.attempt or "")
        if attempt is None:
            unknown.append(seen)
        elif seen.outcome is SessionOutcome.OPEN:
            if attempt.status is not OrderStatus.PENDING:
                what = f"session {seen.id} can be paid, though its order {attempt.number} is {attempt.status}"
                differences.append(Difference(Kind.OPEN_SESSION, seen.id, what))
        elif attempt.is_behind(seen.outcome):
            what = outcome_of(seen.id, attempt.number, seen.outcome)
            differences.append(Difference(Kind.SESSION, seen.id, what))
    return differences, unknown


@dataclass(frozen=True)
class _Attempt:
    number: str
    status: OrderStatus
    state: AttemptState
    is_paid: bool

    def is_behind(self, outcome: SessionOutcome) -> bool:
        match outcome:
            case SessionOutcome.PAID:
                return not self.is_paid
            case SessionOutcome.PROCESSING:
                return self.state in (AttemptState.CREATED, AttemptState.OPEN)
            case _:
                return not self.is_paid and self.state is not AttemptState.CLOSED


def _attempts_of(listed: Sequence[PaymentSession]) -> dict[str, _Attempt]:
    """Find attempts by their session, or by their key where the session was never stored."""
    keys = [seen.attempt for seen in listed if seen.attempt is not None]
    rows = db.session.execute(
        select(PaymentAttempt, Order, Payment.id)
        .join(Order, Order.id == PaymentAttempt.order_id)
        .outerjoin(Payment, Payment.attempt_id == PaymentAttempt.id)
        .where(
            or_(
                is_one_of(PaymentAttempt.session_id, [seen.id for seen in listed]),
                PaymentAttempt.session_id.is_(None) & is_one_of(PaymentAttempt.idempotency_key, keys),
            )
        )
    )
    return {
        attempt.session_id or attempt.idempotency_key: _Attempt(
            order.number, order.status, attempt.state, payment_id is not None
        )
        for attempt, order, payment_id in rows
    }


def compare_refunds(listed: Sequence[PaymentRefund]) -> list[Difference]:
    """Give one difference for each payment of ours of which a refund is not known, or has gone on."""
    mine = is_one_of(Refund.stripe_refund_id, [seen.id for seen in listed])
    known = {refund.id: refund.state for refund in our_books.list_refunds(mine)}
    paid = _known_payments(seen.payment_intent for seen in listed)
    return [
        Difference(Kind.REFUNDS, intent, f"refund {seen.id} of payment {intent} is {seen.outcome} at Stripe")
        for intent, seen in {seen.payment_intent: seen for seen in listed if _is_behind(seen, known)}.items()
        if intent in paid
    ]


def compare_disputes(listed: Sequence[PaymentDispute]) -> list[Difference]:
    paid = _known_payments(seen.payment_intent for seen in listed)
    mine = select(Dispute).where(is_one_of(Dispute.stripe_dispute_id, [seen.id for seen in listed]))
    known = {dispute.stripe_dispute_id: dispute.state for dispute in db.session.scalars(mine)}
    return [
        Difference(Kind.DISPUTE, seen.id, f"dispute {seen.id} is {seen.status} at Stripe")
        for seen in listed
        if seen.payment_intent in paid and (seen.id not in known or seen.follows(known[seen.id]))
    ]


def _is_behind(seen: PaymentRefund, known: Mapping[str, RefundState]) -> bool:
    return seen.id not in known or is_news(seen, known[seen.id])


def _known_payments(intents: Iterable[str | None]) -> frozenset[str]:
    """Say which of these payments are the shop's: another one may share the account."""
    asked = {intent for intent in intents if intent is not None}
    return frozenset(db.session.scalars(select(Payment.payment_intent).where(is_one_of(Payment.payment_intent, asked))))
