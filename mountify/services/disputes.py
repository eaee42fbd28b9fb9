"""What buyers' banks take back or ask about, as the payment service tells it. The order's status stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.money import from_minor
from mountify.core.payment_dispute import LOST, PaymentDispute
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.attention import AttentionKind
from mountify.models.order import Order
from mountify.models.payment import Dispute, Payment, PaymentAttempt
from mountify.services import attention_notes
from mountify.services.refunds import lock_payment
from mountify.services.wording import format_moment, format_money
from mountify.transaction import retried_once, transaction

log = structlog.get_logger()

KIND = AttentionKind.DISPUTE


def sync_dispute(dispute_id: str, *, payments: Payments, site: Site, now: datetime) -> int:
    """Read a dispute from Stripe and do everything that follows, once. Gives the order's id.

    Raises UnknownPayment when its payment has not been recorded (yet), UnknownSession when Stripe does not know it,
    PaymentsUnavailable when Stripe does not answer.
    """
    db.release()
    seen = payments.get_dispute(dispute_id)
    reached("dispute.read")
    return _keep(seen, site=site, now=now)


def list_disputes(order_id: int) -> Sequence[str]:
    """List what is disputed of an order by Stripe's ids, oldest first."""
    with transaction() as session:
        mine = select(Dispute.stripe_dispute_id).join(Payment).join(PaymentAttempt)
        return session.scalars(mine.where(PaymentAttempt.order_id == order_id).order_by(Dispute.id)).all()


@retried_once
def _keep(seen: PaymentDispute, *, site: Site, now: datetime) -> int:
    with transaction() as session:
        order, _, payment = lock_payment(session, seen.payment_intent)
        reached("dispute.locked")
        known = session.scalars(select(Dispute).where(Dispute.stripe_dispute_id == seen.id)).one_or_none()
        if known is None:
            _begin(session, order, payment.id, seen, now)
            _follow(session, order, seen, site, now)
        elif seen.follows(known.state):
            known.state, known.reason, known.amount = seen.status, seen.reason, from_minor(seen.amount, seen.currency)
            _follow(session, order, seen, site, now)
        reached("dispute.before_commit")
        return order.id


def _begin(session: Session, order: Order, payment_id: int, seen: PaymentDispute, now: datetime) -> None:
    amount = from_minor(seen.amount, seen.currency)
    dispute = Dispute(
        payment_id=payment_id,
        stripe_dispute_id=seen.id,
        reason=seen.reason,
        amount=amount,
        state=seen.status,
        created_at=now,
    )
    session.add(dispute)
    order.record(
        "dispute", now=now, amount=format_money(amount, seen.currency.upper()), reason=seen.reason, dispute=seen.id
    )
    log.warning("dispute_recorded", order_id=order.id, dispute=seen.id, status=seen.status)


def _follow(session: Session, order: Order, seen: PaymentDispute, site: Site, now: datetime) -> None:
    """Say that it is over, and ask a person for what a person has to do or to know."""
    if seen.is_closed:
        order.record("dispute_closed", now=now, status=seen.status, dispute=seen.id)
        log.warning("dispute_closed", order_id=order.id, dispute=seen.id, status=seen.status)
    if seen.wants_a_person:
        attention_notes.note_anew(session, KIND, seen.id, _sentence(seen, site), order_id=order.id, now=now)
    else:
        attention_notes.resolve_about(session, KIND, seen.id, now=now)


def _sentence(seen: PaymentDispute, site: Site) -> str:
    about = f"{format_money(from_minor(seen.amount, seen.currency), seen.currency.upper())} ({_words(seen.reason)})"
    if seen.status == LOST:
        return f"Dispute {seen.id} over {about} is lost: the money stays with the buyer. Nobody can answer it any more."
    happened = (
        f"The buyer's bank asks about a payment of {about}; it has taken nothing back yet."
        if seen.is_inquiry
        else f"The buyer's bank has taken back {about}."
    )
    if seen.due_by is None:
        return f"{happened} It hears of no answer; see dispute {seen.id} in Stripe's dashboard."
    until = format_moment(seen.due_by, site.timezone)
    return f"{happened} Answer dispute {seen.id} in Stripe's dashboard by {until}; then it is decided without you."


def _words(reason: str) -> str:
    return reason.replace("_", " ")
