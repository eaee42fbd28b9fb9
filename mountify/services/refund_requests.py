"""Refunds that we ask for: written down first, then sent by a job, and again for as long as Stripe does not answer.

A request that Stripe got and whose answer we never heard is found by its key in the refunds that Stripe lists, however
long ago that was; so none is ever made twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors import (
    AlreadyRefunded,
    BadAmount,
    NotFound,
    NothingPaid,
    NotReturnable,
    PaymentRefused,
    RefundTooHigh,
    UnknownSession,
)
from mountify.core.money import Money, to_minor
from mountify.core.payment_refund import RefundReason
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.order import Order
from mountify.models.payment import Payment, PaymentAttempt, Refund, RefundState
from mountify.queue import defer, has_job
from mountify.services import inventory
from mountify.services.orders import lock_order
from mountify.services.refunds import add_up, lock_payment, note_failure, put_back, settle, sync_refunds
from mountify.transaction import retried_once, transaction

log = structlog.get_logger()

OVERDUE_AFTER = timedelta(seconds=60)
_COUNTED = (RefundState.CREATED, RefundState.PENDING, RefundState.SUCCEEDED)


@dataclass(frozen=True)
class Wish:
    """What a person wants back: `amount` None for all that is left, of the payment that paid the order unless named.

    `parts`: product id → quantity that goes on the shelf again; `all_parts` for everything that has not come back yet.
    """

    amount: Money | None = None
    payment_intent: str | None = None
    parts: Mapping[int, int] = field(default_factory=dict)
    all_parts: bool = False


def request(order_id: int, wish: Wish, *, now: datetime) -> int:
    """Write a refund down and queue it; gives its id. Stripe is asked by `send`.

    Raises NotFound, NothingPaid, AlreadyRefunded, RefundTooHigh, BadAmount or NotReturnable; then nothing has changed.
    """
    with transaction() as session:
        order = lock_order(session, order_id)
        payment, pays_order = _find_payment(session, order, wish.payment_intent)
        left = _left_of(session, payment)
        if not left:
            raise AlreadyRefunded
        amount = left if wish.amount is None else _check(wish.amount, left, payment.currency)
        returnable = _list_returnable(session, order, payment) if pays_order else {}
        restock = returnable if wish.all_parts else _check_parts(wish.parts, returnable)
        refund = Refund(
            payment_id=payment.id,
            reason=RefundReason.MERCHANT,
            amount=amount,
            idempotency_key=f"manual-{uuid4()}",
            restock={str(product_id): quantity for product_id, quantity in restock.items()},
            created_at=now,
        )
        _queue(session, refund)
        reached("refund.requested")
        return refund.id


def begin_automatic(session: Session, payment: Payment, reason: RefundReason, *, now: datetime) -> None:
    """Send a payment back that cannot be kept, in the transaction that records it, once for each reason."""
    if payment.amount:
        _queue(
            session,
            Refund(
                payment_id=payment.id,
                reason=reason,
                amount=payment.amount,
                idempotency_key=f"refund-{payment.payment_intent}-{reason.replace(' ', '-')}",
                created_at=now,
            ),
        )


def send(refund_id: int, *, payments: Payments, site: Site, now: datetime) -> Refund:
    """Ask Stripe for a refund that was written down, unless it is made; gives it as it is then.

    Raises PaymentsUnavailable when it is unclear: then it is asked again. A refusal is final, and not raised.
    """
    asked = _find_open(refund_id)
    if asked is not None:
        try:
            _send(refund_id, asked.payment_intent, payments=payments, site=site, now=now)
        except (PaymentRefused, UnknownSession) as error:
            with suppress(UnknownSession):
                sync_refunds(asked.payment_intent, payments=payments, site=site, now=now)
            _settle_refusal(refund_id, asked.payment_intent, str(error.__cause__ or error), now=now)
    db.release()
    return db.session.get_one(Refund, refund_id)


def _send(refund_id: int, payment_intent: str, *, payments: Payments, site: Site, now: datetime) -> None:
    """It may have been made before we could write that down: that is looked up first."""
    sync_refunds(payment_intent, payments=payments, site=site, now=now)
    asked = _find_open(refund_id)
    if asked is not None:
        reached("refund.before_send")
        made = payments.create_refund(payment_intent, asked.minor, asked.key)
        reached("refund.sent")
        settle(payment_intent, [made], site=site, now=now)


def requeue_overdue(*, now: datetime) -> int:
    """Queue again what should have been sent by now: its job may have died with its worker."""
    with transaction() as session:
        overdue = session.scalars(
            select(Refund.id)
            .where(
                Refund.state == RefundState.CREATED,
                Refund.created_at < now - OVERDUE_AFTER,
                ~has_job("send_refund", "refund_id", Refund.id),
            )
            .limit(500)
        ).all()
        for refund_id in overdue:
            defer(session, "send_refund", refund_id=refund_id)
        return len(overdue)


@dataclass(frozen=True)
class _Asked:
    payment_intent: str
    minor: int
    key: str


def _find_open(refund_id: int) -> _Asked | None:
    with transaction() as session:
        refund = session.get(Refund, refund_id, populate_existing=True)
        if refund is None or refund.state is not RefundState.CREATED:
            return None
        payment = session.get_one(Payment, refund.payment_id)
        return _Asked(payment.payment_intent, to_minor(refund.amount, payment.currency), refund.idempotency_key)


@retried_once
def _settle_refusal(refund_id: int, payment_intent: str, why: str, *, now: datetime) -> None:
    """Stripe said no: because all of it had gone back already, which is what was wanted, or for another reason."""
    with transaction() as session:
        order, attempt, payment = lock_payment(session, payment_intent)
        refund = session.get_one(Refund, refund_id, populate_existing=True)
        if refund.state is not RefundState.CREATED:
            return
        refund.error = why[:500]
        others = _refunds_of(session, payment, Refund.id != refund_id)
        if Money.sum(other.amount for other in others) >= payment.amount:
            refund.state = RefundState.VOID
            put_back(session, order, refund, now)
        else:
            refund.state = RefundState.FAILED
            note_failure(order, refund, now)
        add_up(order, attempt, payment, [*others, refund], now)
        reached("refund.refused")


def _queue(session: Session, refund: Refund) -> None:
    session.add(refund)
    session.flush()
    defer(session, "send_refund", refund_id=refund.id)


def _find_payment(session: Session, order: Order, payment_intent: str | None) -> tuple[Payment, bool]:
    """Find a payment of an order, and say whether it is the one that paid it."""
    mine = select(Payment, PaymentAttempt.session_id).join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
    mine = mine.where(PaymentAttempt.order_id == order.id)
    if payment_intent is None:
        found = session.execute(mine.where(PaymentAttempt.session_id == order.paid_session)).one_or_none()
        if found is None:
            raise NothingPaid(number=order.number)
    else:
        found = session.execute(mine.where(Payment.payment_intent == payment_intent)).one_or_none()
        if found is None:
            raise NotFound
    payment, session_id = found
    return payment, session_id == order.paid_session


def _left_of(session: Session, payment: Payment) -> Money:
    """Say how much of a payment has not gone back and is not about to."""
    return payment.amount - Money.sum(refund.amount for refund in _refunds_of(session, payment))


def _refunds_of(session: Session, payment: Payment, *which: ColumnElement[bool]) -> list[Refund]:
    counted = select(Refund).where(Refund.payment_id == payment.id, Refund.state.in_(_COUNTED), *which)
    return list(session.scalars(counted.execution_options(populate_existing=True)))


def _check(amount: Money, left: Money, currency: str) -> Money:
    try:
        to_minor(amount, currency)
    except ValueError as error:
        raise BadAmount from error
    if amount.amount <= 0:
        raise BadAmount
    if amount > left:
        raise RefundTooHigh(left=left)
    return amount


def _list_returnable(session: Session, order: Order, payment: Payment) -> dict[int, int]:
    """Say how many of each part may come back: not those that come back with a refund that is about to be made."""
    out = inventory.list_returnable(session, order)
    for refund in _refunds_of(session, payment, Refund.state == RefundState.CREATED):
        for product_id, quantity in refund.restock.items():
            out[int(product_id)] -= int(quantity)
    return {product_id: left for product_id, left in out.items() if left > 0}


def _check_parts(parts: Mapping[int, int], returnable: Mapping[int, int]) -> Mapping[int, int]:
    for product_id, quantity in parts.items():
        left = returnable.get(product_id, 0)
        if not 0 < quantity <= left:
            raise NotReturnable(product=product_id, left=left)
    return parts
