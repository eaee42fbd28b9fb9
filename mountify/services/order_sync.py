"""Everything that Stripe knows of one order, asked at once."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import select

from mountify import db
from mountify.core.errors.payments import UnknownSession, UnreadableAmount
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.order import Order
from mountify.models.payment import Payment, PaymentAttempt, Refund, RefundState
from mountify.services import payment_sessions, refund_sending
from mountify.services.disputes import list_disputes, sync_dispute
from mountify.services.orders import get_by_number
from mountify.services.refunds import sync_refunds
from mountify.services.settlement import sync_session
from mountify.transaction import transaction


def sync_order(number: str, *, payments: Payments, site: Site, now: datetime) -> Order:
    """Ask Stripe about every session, refund and known dispute of an order, send what waits, and do what follows.

    A pending one whose time is over ends. What a person has to look at holds up nothing else. Gives the order as it is
    then. Raises NotFound or PaymentsUnavailable.
    """
    order = get_by_number(number)
    order_id, is_over = order.id, order.is_pending and not order.is_held_at(now)
    sessions = db.session.scalars(
        select(PaymentAttempt.session_id).where(
            PaymentAttempt.order_id == order_id, PaymentAttempt.session_id.is_not(None)
        )
    ).all()
    db.release()
    for session_id in sessions:
        with suppress(UnknownSession, UnreadableAmount):
            sync_session(str(session_id), payments=payments, site=site, now=now)
    for payment_intent in _list_payments(order_id):
        with suppress(UnknownSession, UnreadableAmount):  # what cost nothing was paid by no payment
            sync_refunds(payment_intent, payments=payments, site=site, now=now)
    for refund_id in _list_unsent(order_id):
        with suppress(UnknownSession, UnreadableAmount):
            refund_sending.send(refund_id, payments=payments, site=site, now=now)
    for dispute_id in list_disputes(order_id):
        with suppress(UnknownSession, UnreadableAmount):
            sync_dispute(dispute_id, payments=payments, site=site, now=now)
    if is_over:
        payment_sessions.end(order_id, None, payments=payments, site=site, now=now)
    db.release()
    return get_by_number(number)


def _list_payments(order_id: int) -> Sequence[str]:
    with transaction() as session:
        mine = select(Payment.payment_intent).join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
        return session.scalars(mine.where(PaymentAttempt.order_id == order_id).order_by(Payment.id)).all()


def _list_unsent(order_id: int) -> Sequence[int]:
    with transaction() as session:
        unsent = select(Refund.id).join(Payment).join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
        mine = unsent.where(PaymentAttempt.order_id == order_id, Refund.state == RefundState.CREATED)
        return session.scalars(mine.order_by(Refund.id)).all()
