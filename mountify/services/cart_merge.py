"""What becomes of a guest's cart when the guest signs in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify.core.checkpoints import reached
from mountify.core.order_status import OrderStatus
from mountify.models.cart import MOST_OF_ONE, MOST_PRODUCTS, Cart, CartItem
from mountify.models.catalogue import Product
from mountify.models.order import Order
from mountify.queue import defer
from mountify.services.cart_view import CartOwner, held_by, items_of
from mountify.services.carts import lock_cart, open_cart
from mountify.transaction import retried_once, transaction


@dataclass(frozen=True)
class Capped:
    """A part of which not as many can be had as both carts held together: the cart has `quantity` now."""

    name: str
    quantity: int


@dataclass(frozen=True)
class Merged:
    """What came of a merge: parts that found no room, and those of which there are not enough."""

    left_out: Sequence[str] = ()
    capped: Sequence[Capped] = ()


@retried_once
def merge(token: str, user_id: int, *, now: datetime) -> Merged:
    """Move a guest's cart into an account's, adding what both hold, as far as a line may go and as can be had.

    The guest's pending order comes along. Where the account has one of its own, that one is superseded: a job ends its
    session at Stripe, since nobody who signs in shall wait for that.
    """
    with transaction() as session:
        reached("merge.before_lock")
        guest = lock_cart(session, CartOwner(token=token))
        if guest is None:
            return Merged()
        cart = open_cart(session, CartOwner(user_id=user_id), now)
        merged = _move_lines(session, guest, cart)
        reached("merge.locked")
        _move_pending_order(session, guest, cart, user_id)
        session.delete(guest)
        session.flush()
        reached("merge.before_commit")
        return merged


def _move_lines(session: Session, guest: Cart, cart: Cart) -> Merged:
    left_out, capped = [], []
    mine = {item.product_id: item for item in session.scalars(items_of(cart.id))}
    held = Counter(held_by(session, guest.id)) + Counter(held_by(session, cart.id))
    for item in session.scalars(items_of(guest.id)).all():
        known = mine.get(item.product_id)
        if known is None and len(mine) >= MOST_PRODUCTS:
            left_out.append(item.product.name)
            continue
        wanted = item.quantity + (known.quantity if known else 0)
        quantity = _obtainable(item.product, held[item.product_id], wanted)
        if known is not None:
            known.quantity = quantity
        else:
            mine[item.product_id] = CartItem(
                cart_id=cart.id, product_id=item.product_id, quantity=quantity, price_seen=item.price_seen
            )
            session.add(mine[item.product_id])
        if quantity < wanted:
            capped.append(Capped(item.product.name, quantity))
    return Merged(left_out, capped)


def _obtainable(product: Product, held: int, wanted: int) -> int:
    """As many as can be had. What is gone altogether stays as it is: the cart itself shows that it is gone."""
    available = product.available + held if product.is_published else 0
    return min(wanted, MOST_OF_ONE, available or MOST_OF_ONE)


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
