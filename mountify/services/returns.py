"""Parts that come back: with a refund, when it is made, or later, when the money has gone already."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify.core.errors.payments import NotReturnable
from mountify.models.order import Order
from mountify.models.payment import Payment, PaymentAttempt, Refund, RefundState
from mountify.services import inventory
from mountify.services.orders import lock_order
from mountify.transaction import transaction

Parts = Mapping[int, int] | None  # product id → quantity; None: everything that has not come back yet


def restock(order_id: int, parts: Parts, *, now: datetime) -> int:
    """Put parts of an order on the shelf again, whatever became of the money, and say how many.

    Raises NotFound or NotReturnable.
    """
    with transaction() as session:
        order = lock_order(session, order_id)
        back = choose(session, order, parts)
        put_back(session, order, back, now=now)
        return sum(back.values())


def choose(session: Session, order: Order, parts: Parts, *, sold: bool = True) -> Mapping[int, int]:
    """Say which parts of a locked order come back. Raises NotReturnable when one of them is not out there.

    Where nothing was `sold`, by a payment that did not fit, nothing can come back.
    """
    returnable = _list_returnable(session, order) if sold else {}
    if parts is None:
        return returnable
    for product_id, quantity in parts.items():
        left = returnable.get(product_id, 0)
        if not 0 < quantity <= left:
            raise NotReturnable(product=product_id, left=left)
    return parts


def put_back(session: Session, order: Order, parts: Mapping[int, int], *, now: datetime) -> None:
    if parts:
        inventory.take_back(session, order.id, parts, now=now)
        order.record("restocked", now=now, parts=sum(parts.values()))


def _list_returnable(session: Session, order: Order) -> dict[int, int]:
    """Say how many of each part may come back: not those that come back with a refund that is about to be made."""
    out = inventory.list_returnable(session, order)
    about_to = select(Refund).join(Payment).join(PaymentAttempt)
    mine = about_to.where(PaymentAttempt.order_id == order.id, Refund.state == RefundState.CREATED)
    for refund in session.scalars(mine):
        for product_id, quantity in refund.parts.items():
            out[product_id] = out.get(product_id, 0) - quantity
    return {product_id: left for product_id, left in out.items() if left > 0}
