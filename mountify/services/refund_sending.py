"""Refunds that were written down are sent to Stripe by a job, and again for as long as it does not answer.

A request that Stripe got and whose answer we never heard is found by its key in the refunds that Stripe lists, however
long ago that was; so none is ever made twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors import ShopError
from mountify.core.errors.payments import PaymentRefused, PaymentsUnavailable, UnknownSession
from mountify.core.money import Money, to_minor
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.payment import Payment, Refund, RefundState
from mountify.queue import OVERDUE_AFTER, requeue
from mountify.services.refund_requests import begin_rest
from mountify.services.refunds import MADE, add_up, lock_payment, put_parts_back, settle, sync_refunds
from mountify.services.wording import format_money
from mountify.transaction import retried_once, transaction

log = structlog.get_logger()


def send(refund_id: int, *, payments: Payments, site: Site, now: datetime) -> Refund:
    """Ask Stripe for a refund that was written down, unless it is made; gives it as it is then.

    Raises PaymentsUnavailable when it is unclear, or UnknownSession when Stripe does not know the payment (with the key
    of another account, it knows none): then it is asked again. A refusal is final, and not raised.
    """
    asked = _find_open(refund_id)
    if asked is not None:
        try:
            _send(refund_id, asked.payment_intent, payments=payments, site=site, now=now)
        except PaymentRefused as error:
            sync_refunds(asked.payment_intent, payments=payments, site=site, now=now)
            _settle_refusal(refund_id, asked.payment_intent, _why(error), now=now)
        except (PaymentsUnavailable, UnknownSession) as error:
            _note(refund_id, _why(error))
            raise
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
    """Queue again what should have been sent by now."""
    overdue = Refund.state == RefundState.CREATED, Refund.created_at < now - OVERDUE_AFTER
    with transaction() as session:
        return requeue(session, "send_refund", "refund_id", Refund.id, *overdue)


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
        refund.error = why
        made = session.scalars(select(Refund).where(Refund.payment_id == payment.id, Refund.state.in_(MADE))).all()
        left = payment.amount - Money.sum(other.amount for other in made)
        if not left:
            refund.state = RefundState.VOID
            put_parts_back(session, order, refund, now)
        elif begin_rest(session, refund, left, now=now):
            refund.state = RefundState.VOID
        else:
            refund.state = RefundState.FAILED
            amount = format_money(refund.amount, payment.currency)
            order.record("refund_refused", now=now, amount=amount, why=why)  # the merchant's: nothing was sent
            log.error("refund_refused", order_id=order.id, refund_id=refund_id, why=why)
        add_up(order, attempt, payment, [*made, refund], now)
        reached("refund.refused")


def _why(error: ShopError) -> str:
    return str(error.__cause__ or error)[:500]


def _note(refund_id: int, why: str) -> None:
    """Keep what Stripe said last, unless another job has sent it meanwhile."""
    with transaction() as session:
        refund = session.get_one(Refund, refund_id, with_for_update=True, populate_existing=True)
        if refund.state is RefundState.CREATED:
            refund.error = why
