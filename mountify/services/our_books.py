"""Payments, refunds and disputes as the shop has written them down, each with its order, to be held beside Stripe's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Select, select

from mountify import db
from mountify.core.money import to_minor
from mountify.core.payment_dispute import CLOSED
from mountify.models.order import Order
from mountify.models.payment import Dispute, Payment, PaymentAttempt, Refund, RefundState

Columns = TypeVarTuple("Columns")


@dataclass(frozen=True)
class OurPayment:
    """`amount` in minor units."""

    session_id: str
    amount: int
    order_id: int
    number: str


@dataclass(frozen=True)
class OurRefund:
    """By Stripe's id."""

    id: str
    payment_intent: str
    state: RefundState
    order_id: int
    number: str


@dataclass(frozen=True)
class OurDispute:
    """By Stripe's id."""

    id: str
    state: str
    order_id: int
    number: str


def list_payments(since: datetime) -> list[OurPayment]:
    """List what the shop calls paid since."""
    asked = _with_its_order(select(Payment, PaymentAttempt.session_id, Order.id, Order.number).select_from(Payment))
    rows = db.session.execute(asked.where(Payment.created_at >= since).order_by(Payment.id))
    return [
        OurPayment(str(session_id), to_minor(payment.amount, payment.currency), order_id, number)
        for payment, session_id, order_id, number in rows
    ]


def list_refunds(*which: ColumnElement[bool]) -> list[OurRefund]:
    """List refunds that Stripe has made."""
    columns = select(Refund.stripe_refund_id, Payment.payment_intent, Refund.state, Order.id, Order.number)
    asked = _with_its_order(columns.select_from(Refund).join(Payment, Payment.id == Refund.payment_id))
    rows = db.session.execute(asked.where(Refund.stripe_refund_id.is_not(None), *which).order_by(Refund.id))
    return [
        OurRefund(str(refund_id), intent, state, order_id, number)
        for refund_id, intent, state, order_id, number in rows
    ]


def list_open_disputes() -> list[OurDispute]:
    """List what the shop believes to be undecided."""
    columns = select(Dispute.stripe_dispute_id, Dispute.state, Order.id, Order.number)
    asked = _with_its_order(columns.select_from(Dispute).join(Payment, Payment.id == Dispute.payment_id))
    rows = db.session.execute(asked.where(Dispute.state.not_in(CLOSED)).order_by(Dispute.id))
    return [OurDispute(*row) for row in rows]


def _with_its_order(asked: Select[*Columns]) -> Select[*Columns]:
    of_payment = asked.join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
    return of_payment.join(Order, Order.id == PaymentAttempt.order_id)
