"""One order as the desk sees it: all that is known of it, what of it can go back, and what there is to pack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import selectinload

from mountify import db
from mountify.core.money import Money
from mountify.core.slugs import part_number
from mountify.models.account import User
from mountify.models.catalogue import StockMovement
from mountify.models.email import Email
from mountify.models.order import TO_SHIP, Order, OrderEvent, OrderItem
from mountify.models.payment import Payment, PaymentAttempt, Refund
from mountify.services import refund_requests, returns
from mountify.services.emails import count_copies
from mountify.services.inventory import RETURNED
from mountify.services.orders import get_order

MOST_PICKED = 100


@dataclass(frozen=True)
class Event:
    """A line of the timeline; `actor` is empty for what nobody of the office did."""

    kind: str
    data: Mapping[str, Any]
    actor: str
    created_at: datetime


@dataclass(frozen=True)
class Paid:
    """A payment, and what of it goes or has gone back."""

    payment: Payment
    session_id: str | None
    refunds: Sequence[Refund]


@dataclass(frozen=True)
class Letter:
    """A mail about an order, and how often it has been sent again."""

    email: Email
    copies: int

    @property
    def next_copy(self) -> int:
        return self.copies + 1


@dataclass(frozen=True)
class Line:
    """A line of an order, and how many of it have come back."""

    item: OrderItem
    returned: int

    @property
    def left(self) -> int:
        return self.item.quantity - self.returned


@dataclass(frozen=True)
class Sheet:
    """All that is known of one order."""

    order: Order
    lines: Sequence[Line]
    events: Sequence[Event]
    payments: Sequence[Paid]
    letters: Sequence[Letter]


@dataclass(frozen=True)
class Refundable:
    """What of an order can go back: money, and each part with how many of it are out there."""

    order: Order
    left: Money
    parts: Mapping[int, int]


@dataclass(frozen=True)
class Pick:
    """A part to take off the shelf, for how many orders."""

    product_id: int
    name: str
    quantity: int
    orders: int

    @property
    def number(self) -> str:
        return part_number(self.product_id)


def get_sheet(order_id: int) -> Sheet:
    """Get an order with all that is known of it. Raises NotFound."""
    order = get_order(order_id)
    return Sheet(order, list_lines(order), _list_events(order), _list_payments(order), _list_letters(order))


def get_refundable(order_id: int) -> Refundable:
    """Say what of an order can go back. Raises NotFound."""
    order = get_order(order_id)
    left = refund_requests.find_left(db.session(), order)
    return Refundable(order, left, returns.choose(db.session(), order, None))


def list_picks() -> tuple[Sequence[Order], Sequence[Pick]]:
    """List the orders that are paid longest and wait for their parcel, a hundred at a time, and their parts by name."""
    waiting = select(Order).where(text(TO_SHIP)).order_by(Order.paid_at, Order.id)
    orders = db.session.scalars(waiting.limit(MOST_PICKED).options(selectinload(Order.items))).all()
    known: dict[int, list[Line]] = defaultdict(list)
    for line in list_lines(*orders):
        if line.left > 0:
            known[line.item.product_id].append(line)
    picks = [
        Pick(product_id, lines[0].item.name, sum(line.left for line in lines), len(lines))
        for product_id, lines in known.items()
    ]
    return orders, sorted(picks, key=lambda pick: (pick.name, pick.product_id))


def list_lines(*orders: Order) -> Sequence[Line]:
    """List the lines of orders; what has come back of them is not to be packed."""
    returned = select(StockMovement.order_id, StockMovement.product_id, func.sum(StockMovement.delta)).where(
        StockMovement.order_id.in_([order.id for order in orders]), StockMovement.reason == RETURNED
    )
    rows = db.session.execute(returned.group_by(StockMovement.order_id, StockMovement.product_id))
    back = {(order_id, product_id): int(count) for order_id, product_id, count in rows}
    return [Line(item, back.get((order.id, item.product_id), 0)) for order in orders for item in order.items]


def _list_events(order: Order) -> Sequence[Event]:
    actor = func.coalesce(func.nullif(User.name, ""), User.email, "")
    rows = db.session.execute(
        select(OrderEvent.kind, OrderEvent.data, actor, OrderEvent.created_at)
        .outerjoin(User, User.id == OrderEvent.actor_id)
        .where(OrderEvent.order_id == order.id)
        .order_by(OrderEvent.created_at.desc(), OrderEvent.id.desc())
    )
    return [Event(*row) for row in rows]


def _list_payments(order: Order) -> Sequence[Paid]:
    paid = db.session.execute(
        select(Payment, PaymentAttempt.session_id)
        .join(PaymentAttempt, PaymentAttempt.id == Payment.attempt_id)
        .where(PaymentAttempt.order_id == order.id)
        .order_by(Payment.id)
    ).all()
    back = db.session.scalars(
        select(Refund).where(Refund.payment_id.in_([payment.id for payment, _ in paid])).order_by(Refund.id)
    ).all()
    return [
        Paid(payment, session_id, [refund for refund in back if refund.payment_id == payment.id])
        for payment, session_id in paid
    ]


def _list_letters(order: Order) -> Sequence[Letter]:
    mails = db.session.scalars(select(Email).where(Email.order_id == order.id).order_by(Email.id)).all()
    return [Letter(mail, count_copies(mail, mails)) for mail in mails]
