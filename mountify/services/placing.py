"""Writing an order down before it is paid: its parts are reserved, and what Stripe will be asked for it is stored."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify.core.money import Money
from mountify.core.payment_session import Delivery
from mountify.core.site import Site
from mountify.models.order import Order, OrderItem
from mountify.models.payment import PaymentAttempt
from mountify.services import inventory, session_request
from mountify.services.cart_view import CartView
from mountify.services.settings import HOLD_MINUTES, get_shop

HOLD = timedelta(minutes=HOLD_MINUTES)


@dataclass(frozen=True)
class Purchase:
    """What is bought, where its mails go, and where the parts do, when the shopper has said so before Stripe asks."""

    view: CartView
    email: str
    delivery: Delivery | None

    @property
    def fingerprint(self) -> str:
        """Everything a changed cart would change in the order. Not what is in stock: the order holds some of it."""
        parts = [f"{line.product.id}x{line.quantity}@{line.price}" for line in self.view.lines]
        subtotal = Money.sum(line.total for line in self.view.lines)
        total = subtotal + get_shop().shipping_for(subtotal)
        to = json.dumps(asdict(self.delivery), sort_keys=True) if self.delivery is not None else ""
        return hashlib.sha256("|".join([*sorted(parts), str(total), self.email.lower(), to]).encode()).hexdigest()


def place(
    session: Session,
    purchase: Purchase,
    *,
    cart_id: int,
    user_id: int | None,
    checkout_key: str,
    site: Site,
    now: datetime,
) -> PaymentAttempt:
    """Reserve the parts, write the order down, and what Stripe will be asked for it. Raises NotEnoughStock."""
    inventory.reserve(session, {line.product.id: line.quantity for line in purchase.view.lines})
    order = _order_of(purchase, site, now)
    order.user_id, order.cart_id = user_id, cart_id
    order.checkout_key = None if _is_used(session, checkout_key) else checkout_key
    session.add(order)
    session.flush()
    order.record("placed", now=now)
    attempt = _attempt_for(order, site, now + HOLD)
    session.add(attempt)
    session.flush()
    return attempt


def _order_of(purchase: Purchase, site: Site, now: datetime) -> Order:
    view = purchase.view
    order = Order(
        email=purchase.email,
        currency=site.currency,
        subtotal=view.subtotal,
        shipping_total=view.shipping,
        total=view.total,
        cart_fingerprint=purchase.fingerprint,
        inventory_reserved=True,
        reserved_until=now + HOLD,
        created_at=now,
        items=[OrderItem.of(line.product, line.quantity, line.price) for line in view.lines],
    )
    if purchase.delivery is not None:
        order.deliver_to(purchase.delivery)
    return order


def _attempt_for(order: Order, site: Site, expires_at: datetime) -> PaymentAttempt:
    key = f"attempt-{uuid4()}"
    params = session_request.params_for(order, key, shop=get_shop(), site=site, expires_at=expires_at)
    return PaymentAttempt(order_id=order.id, params=params, idempotency_key=key, expires_at=expires_at)


def _is_used(session: Session, checkout_key: str) -> bool:
    """A page that was sent before, and whose order has ended since: this is another order, without the page's key."""
    return session.scalar(select(Order.id).where(Order.checkout_key == checkout_key)) is not None
