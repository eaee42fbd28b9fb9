"""What becomes of a guest's cart when the guest signs in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify.core.checkpoints import reached
from mountify.core.order_status import OrderStatus
from mountify.models.cart import MOST_OF_ONE, MOST_PRODUCTS, Cart, CartItem
from mountify.models.order import Order
from mountify.queue import defer
from mountify.services.cart_view import CartOwner, items_of
from mountify.services.carts import lock_cart, open_cart
from mountify.transaction import transaction


@dataclass(frozen=True)
class Merged:
    """What came of a merge: parts that found no room."""

    left_out: Sequence[str]


def merge(token: str, user_id: int, *, now: datetime) -> Merged:
    """Move a guest's cart into an account's, adding what both hold, as far as a line may go.

    The guest's pending order comes along. Where the account has one of its own, that one is superseded: a job ends its
    session at Stripe, since nobody who signs in shall wait for that.
    """
    with transaction() as session:
        reached("merge.before_lock")
        guest = lock_cart(session, CartOwner(token=token))
        if guest is None:
            return Merged([])
        cart = open_cart(session, CartOwner(user_id=user_id), now)
        left_out = _move_lines(session, guest, cart)
        reached("merge.locked")
        _move_pending_order(session, guest, cart, user_id)
        session.delete(guest)
        session.flush()
        reached("merge.before_commit")
        return Merged(left_out)


def _move_lines(session: Session, guest: Cart, cart: Cart) -> list[str]:
    """Gives the names of what found no room."""
    left_out = []
    mine = {item.product_id: item for item in session.scalars(items_of(cart.id))}
    for item in session.scalars(items_of(guest.id)).all():
        if known := mine.get(item.product_id):
            known.quantity = min(MOST_OF_ONE, known.quantity + item.quantity)
        elif len(mine) < MOST_PRODUCTS:
            mine[item.product_id] = CartItem(
                cart_id=cart.id, product_id=item.product_id, quantity=item.quantity, price_seen=item.price_seen
            )
            session.add(mine[item.product_id])
        else:
            left_out.append(item.product.name)
    return left_out


def _move_pending_order(session: Session, guest: Cart, cart: Cart, user_id: int) -> None:
    """Put the guest's pending order in the place of the account's own; a cart has at most one."""
    pending = {
        order.cart_id: order
        for order in session.scalars(
            select(Order)
            .where(Order.cart_id.in_((guest.id, cart.id)), Order.status == OrderStatus.PENDING)
            .order_by(Order.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    if guest.id not in pending:
        return
    superseded = pending.get(cart.id)
    if superseded is not None:
        superseded.cart_id = None
        session.flush()
        defer(session, "end_superseded", order_id=superseded.id)
    pending[guest.id].cart_id, pending[guest.id].user_id = cart.id, user_id
    session.flush()
