"""Money that went back, as the payment service tells it, whoever sent it back and wherever."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors import UnknownPayment
from mountify.core.money import Money, from_minor
from mountify.core.order_status import OrderStatus, may_follow
from mountify.core.payment_refund import PaymentRefund
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.order import Order
from mountify.models.payment import Payment, PaymentAttempt, PaymentState, Refund, RefundState
from mountify.services import emails
from mountify.services.orders import lock_order
from mountify.transaction import retried_once, transaction

log = structlog.get_logger()

BY_STRIPE = "made at Stripe"
# A refund only goes on: what was read from Stripe earlier may be written later.
_ONWARD = (RefundState.CREATED, RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED)


def sync_refunds(payment_intent: str, *, payments: Payments, site: Site, now: datetime) -> int:
    """Read the refunds of a payment from Stripe and do everything that follows, once. Gives the order's id.

    Raises UnknownPayment when the payment has not been recorded (yet), UnknownSession when Stripe does not know it,
    PaymentsUnavailable when Stripe does not answer.
    """
    db.release()
    seen = payments.list_refunds(payment_intent)
    reached("refund.read")
    return _settle(payment_intent, seen, site=site, now=now)


@retried_once
def _settle(payment_intent: str, seen: Sequence[PaymentRefund], *, site: Site, now: datetime) -> int:
    with transaction() as session:
        order, attempt, payment = _lock(session, payment_intent)
        reached("refund.locked")
        known = {
            refund.stripe_refund_id: refund
            for refund in session.scalars(select(Refund).where(Refund.payment_id == payment.id))
        }
        for refund in seen:
            if refund.id in known:
                _go_on(order, known[refund.id], RefundState(refund.outcome.value), now)
            else:
                known[refund.id] = _begin(session, order, payment, refund, site, now)
        arrived = Money.sum(refund.amount for refund in known.values() if refund.state is RefundState.SUCCEEDED)
        is_whole = arrived.amount >= payment.amount.amount
        payment.state = PaymentState.REFUNDED if is_whole else PaymentState.PAID
        if attempt.session_id == order.paid_session:  # of a second payment nothing counts towards the order
            _add_up(order, known.values(), is_whole, now)
        reached("refund.before_commit")
        return order.id


def _lock(session: Session, payment_intent: str) -> tuple[Order, PaymentAttempt, Payment]:
    """Lock the order a payment was made for. Raises UnknownPayment."""
    payment = session.scalars(select(Payment).where(Payment.payment_intent == payment_intent)).one_or_none()
    if payment is None:
        raise UnknownPayment
    attempt = session.get_one(PaymentAttempt, payment.attempt_id)
    order = lock_order(session, attempt.order_id)
    session.refresh(payment)
    return order, attempt, payment


def _begin(session: Session, order: Order, payment: Payment, seen: PaymentRefund, site: Site, now: datetime) -> Refund:
    amount = from_minor(seen.amount, seen.currency)
    refund = Refund(
        payment_id=payment.id,
        reason=BY_STRIPE,
        amount=amount,
        idempotency_key=f"stripe-{seen.id}",
        stripe_refund_id=seen.id,
        state=RefundState(seen.outcome.value),
        created_at=now,
    )
    session.add(refund)
    if refund.state is RefundState.FAILED:
        _note_failure(order, refund, now)
        return refund
    order.record("refund", now=now, amount=str(amount), refund=seen.id)
    emails.queue_refunded(session, order, amount, seen.id, site=site, now=now)
    log.info("refund_recorded", order_id=order.id, refund=seen.id)
    return refund


def _go_on(order: Order, refund: Refund, state: RefundState, now: datetime) -> None:
    if _ONWARD.index(state) <= _ONWARD.index(refund.state):
        return
    refund.state = state
    if state is RefundState.FAILED:
        _note_failure(order, refund, now)


def _note_failure(order: Order, refund: Refund, now: datetime) -> None:
    """The buyer's bank did not take the money; it is back with the merchant. https://docs.stripe.com/refunds#failed-refunds"""
    order.record("refund_failed", now=now, amount=str(refund.amount), refund=refund.stripe_refund_id)
    log.error("refund_failed", order_id=order.id, refund=refund.stripe_refund_id)


def _add_up(order: Order, known: Iterable[Refund], is_whole: bool, now: datetime) -> None:
    """Say how much of an order goes back; it is refunded when all of it has arrived, and stays so."""
    order.refunded_total = Money.sum(refund.amount for refund in known if refund.state is not RefundState.FAILED)
    if is_whole and may_follow(order.status, OrderStatus.REFUNDED):
        order.mark_refunded(now=now)
