"""Money that went back, as the payment service tells it, whoever sent it back and wherever."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors.payments import UnknownPayment
from mountify.core.money import Money, from_minor, to_minor
from mountify.core.order_status import OrderStatus, may_follow
from mountify.core.payment_refund import PaymentRefund, RefundReason
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.order import Order
from mountify.models.payment import Payment, PaymentAttempt, PaymentState, Refund, RefundState
from mountify.services import order_emails, returns
from mountify.services.orders import lock_order
from mountify.services.wording import format_money
from mountify.transaction import retried_once, transaction

log = structlog.get_logger()

# A refund only goes on: what was read from Stripe earlier may be written later.
_ONWARD = (RefundState.CREATED, RefundState.PENDING, RefundState.SUCCEEDED, RefundState.FAILED)
MADE = (RefundState.PENDING, RefundState.SUCCEEDED)


def sync_refunds(payment_intent: str, *, payments: Payments, site: Site, now: datetime) -> int:
    """Read the refunds of a payment from Stripe and do everything that follows, once. Gives the order's id.

    Raises UnknownPayment when the payment has not been recorded (yet), UnknownSession when Stripe does not know it,
    PaymentsUnavailable when Stripe does not answer.
    """
    db.release()
    seen = payments.list_refunds(payment_intent)
    reached("refund.read")
    return settle(payment_intent, seen, site=site, now=now)


@retried_once
def settle(payment_intent: str, seen: Sequence[PaymentRefund], *, site: Site, now: datetime) -> int:
    """Do everything that follows from refunds as they were read from Stripe, once. Gives the order's id.

    Raises UnknownPayment.
    """
    with transaction() as session:
        order, attempt, payment = lock_payment(session, payment_intent)
        reached("refund.locked")
        known = list(session.scalars(select(Refund).where(Refund.payment_id == payment.id)))
        for refund in seen:
            mine = _find(refund, known, payment.currency)
            if mine is None:
                known.append(mine := _found_at_stripe(payment, refund, now))
                session.add(mine)
            _go_on(session, order, payment, mine, refund, site, now)
        add_up(order, attempt, payment, known, now)
        reached("refund.before_commit")
        return order.id


def lock_payment(session: Session, payment_intent: str | None) -> tuple[Order, PaymentAttempt, Payment]:
    """Lock the order a payment was made for. Raises UnknownPayment."""
    payment = session.scalars(select(Payment).where(Payment.payment_intent == payment_intent)).one_or_none()
    if payment is None:
        raise UnknownPayment
    attempt = session.get_one(PaymentAttempt, payment.attempt_id)
    order = lock_order(session, attempt.order_id)
    session.refresh(payment)
    return order, attempt, payment


def add_up(order: Order, attempt: PaymentAttempt, payment: Payment, refunds: Collection[Refund], now: datetime) -> None:
    """Say how much of a payment, and of its order, goes back.

    An order is refunded when all of it has arrived, and stays so. Of a second payment nothing counts towards it.
    """
    arrived = Money.sum(refund.amount for refund in refunds if refund.state is RefundState.SUCCEEDED)
    is_whole = bool(payment.amount) and arrived >= payment.amount
    payment.state = PaymentState.REFUNDED if is_whole else PaymentState.PAID
    if attempt.session_id != order.paid_session:
        return
    order.refunded_total = Money.sum(refund.amount for refund in refunds if refund.state in MADE)
    if is_whole and may_follow(order.status, OrderStatus.REFUNDED):
        order.mark_refunded(now=now)


def is_news(seen: PaymentRefund, known: RefundState) -> bool:
    """Say whether a refund has gone on since it was in the state that is known."""
    return _ONWARD.index(RefundState(seen.outcome.value)) > _ONWARD.index(known)


def _find(seen: PaymentRefund, known: Collection[Refund], currency: str) -> Refund | None:
    """Find the row of a refund: by its id, or as the one that we asked for and never heard of."""
    for row in known:
        if row.stripe_refund_id == seen.id:
            return row
    for row in known:
        is_as_asked = (seen.amount, seen.currency.upper()) == (to_minor(row.amount, currency), currency)
        if row.stripe_refund_id is None and row.idempotency_key == seen.key and is_as_asked:
            return row
    return None


def _found_at_stripe(payment: Payment, seen: PaymentRefund, now: datetime) -> Refund:
    return Refund(
        payment_id=payment.id,
        reason=RefundReason.AT_STRIPE,
        amount=from_minor(seen.amount, seen.currency),
        idempotency_key=f"stripe-{seen.id}",
        state=RefundState.CREATED,
        restock={},
        created_at=now,
    )


def _go_on(
    session: Session, order: Order, payment: Payment, refund: Refund, seen: PaymentRefund, site: Site, now: datetime
) -> None:
    """Stripe's first word about a refund counts whatever we took it for; after that it only goes on."""
    state, was, is_first = RefundState(seen.outcome.value), refund.state, refund.stripe_refund_id is None
    if not is_first and not is_news(seen, was):
        return
    refund.stripe_refund_id, refund.state, refund.error = seen.id, state, None
    if state is RefundState.FAILED:
        _note_failure(order, payment, refund, now)
    elif is_first:
        amount = format_money(refund.amount, payment.currency)
        order.record("refund", now=now, amount=amount, refund=seen.id, reason=refund.reason)
        if was is not RefundState.VOID:  # its parts are back already
            put_parts_back(session, order, refund, now)
        order_emails.queue_refunded(session, order, payment, refund, site=site, now=now)
        log.info("refund_made", order_id=order.id, refund=seen.id)


def put_parts_back(session: Session, order: Order, refund: Refund, now: datetime) -> None:
    """Put the parts on the shelf that come back with a refund."""
    returns.put_back(session, order, refund.parts, now=now)


def _note_failure(order: Order, payment: Payment, refund: Refund, now: datetime) -> None:
    """The buyer's bank did not take the money; it is back with the merchant. https://docs.stripe.com/refunds#failed-refunds"""
    amount = format_money(refund.amount, payment.currency)
    order.record("refund_failed", now=now, amount=amount, refund=refund.stripe_refund_id)
    log.error("refund_failed", order_id=order.id, refund=refund.stripe_refund_id)
