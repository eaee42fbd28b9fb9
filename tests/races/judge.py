"""What must be true when a race is over: Stripe, the orders, the shelf and the mailbox tell the same story."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import func, select

from mountify import db
from mountify.core.money import to_minor
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import PaymentSession, SessionOutcome
from mountify.models.catalogue import Inventory
from mountify.models.order import Order, OrderEvent, OrderItem
from mountify.models.payment import Payment, PaymentAttempt
from tests.fakes import FakeMailer, FakePayments

ENDS = {
    SessionOutcome.OPEN: {OrderStatus.PENDING},
    SessionOutcome.PROCESSING: {OrderStatus.PENDING},
    SessionOutcome.PAID: {OrderStatus.PAID, OrderStatus.REFUNDED},
    SessionOutcome.FAILED: {OrderStatus.CANCELLED},
    SessionOutcome.CLOSED: {OrderStatus.EXPIRED, OrderStatus.CANCELLED},
}
RELEASED = {OrderStatus.EXPIRED, OrderStatus.CANCELLED}
SOLD = (OrderStatus.PAID, OrderStatus.REFUNDED)


def assert_one_story(
    payments: FakePayments, mailer: FakeMailer, *, stock: int, known: Collection[str] = frozenset()
) -> None:
    """Compare every session at Stripe (but those `known` to be right) with its order, and the shelf with all orders.

    `stock` is what was there of each part at first.
    """
    db.release()
    for session in payments.sessions.values():
        if session.id not in known:
            _assert_order_of(session, payments, mailer)
    assert _count(Order) == _count(PaymentAttempt) == len(payments.sessions)
    paid = [session for session in payments.sessions.values() if session.outcome is SessionOutcome.PAID]
    assert _count(Payment) == len(paid)
    for shelf in db.session.scalars(select(Inventory)):
        held = _quantity(shelf.sku_id, OrderStatus.PENDING)
        assert (shelf.on_hand, shelf.reserved) == (stock - _quantity(shelf.sku_id, *SOLD), held)
    db.release()


def _assert_order_of(session: PaymentSession, payments: FakePayments, mailer: FakeMailer) -> None:
    attempt = db.session.scalars(select(PaymentAttempt).where(PaymentAttempt.session_id == session.id)).one_or_none()
    assert attempt is not None, f"no order knows {session.id}"
    order = db.session.get_one(Order, attempt.order_id)
    assert order.id == session.order_id and order.status in ENDS[session.outcome], (session.outcome, order.status)
    is_paid = session.outcome is SessionOutcome.PAID
    assert order.paid_session == (session.id if is_paid else None)
    assert _accepted(mailer, "confirmed", order.id) == _accepted(mailer, "merchant", order.id) == int(is_paid)
    _assert_refunds_of(session, order, payments, mailer)
    events = select(OrderEvent.kind).where(OrderEvent.order_id == order.id).order_by(OrderEvent.id)
    told = db.session.scalars(events).all()
    assert len(told) == len(set(told)) and (order.is_pending or _last_but_for_refunds(told) == order.status), told
    assert not (is_paid and RELEASED & set(told)), told


def _last_but_for_refunds(told: Sequence[str]) -> str:
    """Of an order whose money went back in part the status stays."""
    return [kind for kind in told if kind != "refund"][-1]


def _assert_refunds_of(session: PaymentSession, order: Order, payments: FakePayments, mailer: FakeMailer) -> None:
    """What went back is known, and told in a mail each time; all of it makes the order a refunded one."""
    back = payments.refunds.get(session.payment_intent or "", {})
    total = sum(refund.amount for refund in back.values())
    assert to_minor(order.refunded_total, order.currency) == total <= session.amount_total
    assert (order.status is OrderStatus.REFUNDED) == (0 < total == session.amount_total), (order.status, total)
    assert all(_accepted(mailer, "refunded", refund_id) == 1 for refund_id in back)


def _accepted(mailer: FakeMailer, kind: str, about: int | str) -> int:
    return sum(key.startswith(f"{kind}:{about}:") for key in mailer.sent)


def _quantity(product_id: int, *statuses: OrderStatus) -> int:
    quantity = select(func.coalesce(func.sum(OrderItem.quantity), 0)).join(Order)
    return int(db.session.scalar(quantity.where(OrderItem.product_id == product_id, Order.status.in_(statuses))) or 0)


def _count(model: type[Order] | type[PaymentAttempt] | type[Payment]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0
