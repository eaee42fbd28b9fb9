"""Everything that is known of one order, in lines for a person at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from mountify import db
from mountify.models.email import Email
from mountify.models.order import Order
from mountify.models.payment import Dispute, Payment, PaymentAttempt, Refund
from mountify.services.orders import get_by_number, list_events


def describe(number: str) -> Iterator[str]:
    """Raises NotFound."""
    order = get_by_number(number)
    yield f"Order {order.number}: {order.status}, {order.total} {order.currency}, {order.refunded_total} refunded"
    for item in order.items:
        yield f"  line      {item.quantity} x {item.number} {item.name} at {item.price}"
    for event in reversed(list_events(order)):
        yield f"  timeline  {event.created_at:%Y-%m-%d %H:%M:%S}  {event.kind}  {event.data or ''}".rstrip()
    yield from _payments(order)
    for email in db.session.scalars(select(Email).where(Email.order_id == order.id).order_by(Email.id)):
        yield f"  mail      {email.id}  {email.kind}  {email.state}  {email.error or ''}".rstrip()


def _payments(order: Order) -> Iterator[str]:
    attempts = select(PaymentAttempt).where(PaymentAttempt.order_id == order.id).order_by(PaymentAttempt.id)
    for attempt in db.session.scalars(attempts).all():
        yield f"  session   {attempt.session_id or 'none yet'}  {attempt.state}"
        for payment in db.session.scalars(select(Payment).where(Payment.attempt_id == attempt.id)).all():
            yield f"  payment   {payment.payment_intent}  {payment.amount} {payment.currency}"
            for refund in db.session.scalars(select(Refund).where(Refund.payment_id == payment.id)).all():
                made = refund.stripe_refund_id or "not made yet"
                about = f"  refund    {made}  {refund.amount}  {refund.state}  {refund.reason}"
                yield f"{about}  {refund.error or ''}".rstrip()
            for dispute in db.session.scalars(select(Dispute).where(Dispute.payment_id == payment.id)).all():
                yield f"  dispute   {dispute.stripe_dispute_id}  {dispute.amount}  {dispute.state}  {dispute.reason}"
