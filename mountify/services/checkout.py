"""From a cart to Stripe's page: reserve and store what Stripe will be asked, commit, ask (payment_sessions)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors import CartChanged, CartEmpty, SignInNeeded
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import Delivery
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.cart import Cart
from mountify.models.order import Order, OrderItem
from mountify.models.payment import AttemptState, PaymentAttempt
from mountify.services import addresses, cart_view, carts, inventory, payment_sessions, session_request
from mountify.services.cart_view import CartLine, CartOwner, CartView
from mountify.services.emails import order_url
from mountify.services.orders import lines_of, lock_order
from mountify.services.payment_sessions import Request, newest_attempt, open_session
from mountify.services.settings import HOLD_MINUTES, get_shop
from mountify.services.settlement import SUPERSEDED
from mountify.transaction import retried_once, transaction, violated

HOLD = timedelta(minutes=HOLD_MINUTES)
MOST_TRIES = 3
_TAKEN_MEANWHILE = frozenset({"uq_orders_checkout_key", "uq_orders_pending_cart"})


@dataclass(frozen=True)
class _Superseded:
    """The cart has changed since its pending order was made: that order's session must end first."""

    order_id: int


@dataclass(frozen=True)
class Started:
    order_id: int
    url: str


def start(
    owner: CartOwner,
    email: str,
    checkout_key: str,
    *,
    items: Mapping[int, int] | None = None,
    address_id: int | None = None,
    payments: Payments,
    site: Site,
    now: datetime,
) -> Started:
    """Reserve the cart, make its pending order and a session at Stripe; the same cart gets the same order again.

    `items` are what the cart was just filled with, for one whose request names them: see find_repeated. `address_id` is
    where it goes, from the address book of whoever orders; without one, Stripe asks. Raises CartEmpty, CartChanged,
    UnknownAddress, NotEnoughStock, NotPayable, SignInNeeded, PaymentRefused or PaymentsUnavailable; after each the cart
    is as it was and nothing is held.
    """
    for _ in range(MOST_TRIES):
        try:
            step = _reserve(owner, email, checkout_key, items, address_id, site, now)
        except IntegrityError as error:
            if violated(error) == "fk_orders_user_id":
                raise SignInNeeded from error  # the account was closed meanwhile
            if violated(error) not in _TAKEN_MEANWHILE:
                raise
            continue  # somebody else came first with this page's key, or with this cart
        if isinstance(step, Started):
            return step
        if isinstance(step, _Superseded):
            payment_sessions.end(step.order_id, SUPERSEDED, payments=payments, site=site, now=now)
            continue
        reached("checkout.reserved")
        if step.url is not None:
            return Started(step.order_id, step.url)
        return Started(step.order_id, open_session(step, payments=payments, now=now))
    raise CartChanged


def find_repeated(checkout_key: str, email: str, items: Mapping[int, int], *, site: Site) -> Started | None:
    """Find the order of the same key, address and items whose buyer has paid, be the money still on its way.

    Whoever sends this again wants no second one; another wish under an old key is another order. To be asked before
    the cart is filled, which what has sold out since would prevent; `start` asks again under the cart's lock.
    """
    found = select(Order).where(Order.checkout_key == checkout_key, Order.email == email)
    afresh = found.options(selectinload(Order.items)).execution_options(populate_existing=True)
    order = db.session.scalars(afresh).one_or_none()
    if order is None or lines_of(order) != items or not (order.is_pending or order.paid_session):
        return None
    attempt = newest_attempt(db.session(), order.id)
    if attempt.state is not AttemptState.COMPLETE:
        return None
    return Started(order.id, attempt.url or order_url(order, site))


def cancel(order_id: int, *, payments: Payments, site: Site, now: datetime) -> Order:
    """Give a pending order's stock back, after Stripe has said that it can no longer be paid; the cart stays.

    Gives the order as it is then: it may have been paid meanwhile. Raises NotFound or PaymentsUnavailable.
    """
    payment_sessions.end(order_id, "shopper", payments=payments, site=site, now=now)
    with transaction() as session:
        return lock_order(session, order_id)


@retried_once
def _reserve(
    owner: CartOwner,
    email: str,
    checkout_key: str,
    items: Mapping[int, int] | None,
    address_id: int | None,
    site: Site,
    now: datetime,
) -> Request | Started | _Superseded:
    with transaction() as session:
        reached("checkout.before_lock")
        cart = carts.lock_cart(session, owner)
        # Whoever settles locks the cart, too: what was not yet paid at the first question may be by now.
        if items is not None and (known := find_repeated(checkout_key, email, items, site=site)):
            return known
        view = cart_view.view_of(cart_view.read_lines(session, cart.id) if cart else [])
        pending = _find_pending(session, cart, checkout_key)
        delivery = addresses.get_delivery(session, owner.orders_for, address_id) if address_id is not None else None
        reached("checkout.locked")
        if pending is not None and (pending.checkout_key == checkout_key or not view.is_empty):
            if pending.cart_fingerprint == _fingerprint(view, email, delivery) and pending.is_held_at(now):
                return Request.of(newest_attempt(session, pending.id))
            return _Superseded(pending.id)
        if cart is None or view.is_empty:
            raise CartEmpty
        if view.has_problems:
            raise CartChanged
        carts.check_total(view.lines)
        return _place(session, cart, view, delivery, owner, email, checkout_key, site, now)


def _find_pending(session: Session, cart: Cart | None, checkout_key: str) -> Order | None:
    """Find and lock the order of the cart, or of the page where no cart is left."""
    mine = Order.checkout_key == checkout_key if cart is None else Order.cart_id == cart.id
    order_id = session.scalar(select(Order.id).where(mine, Order.status == OrderStatus.PENDING))
    order = lock_order(session, order_id) if order_id is not None else None
    return order if order is not None and order.is_pending else None


def _place(
    session: Session,
    cart: Cart,
    view: CartView,
    delivery: Delivery | None,
    owner: CartOwner,
    email: str,
    checkout_key: str,
    site: Site,
    now: datetime,
) -> Request:
    """Reserve the parts, write the order down, and what Stripe will be asked for it."""
    inventory.reserve(session, {line.product.id: line.quantity for line in view.lines})
    order = _order_of(view, email, delivery, site, now)
    order.user_id, order.cart_id = owner.orders_for, cart.id
    order.checkout_key = None if _is_used(session, checkout_key) else checkout_key
    session.add(order)
    session.flush()
    order.record("placed", now=now)
    attempt = _attempt_for(order, site, now + HOLD)
    session.add(attempt)
    session.flush()
    reached("checkout.before_commit")
    return Request.of(attempt)


def _order_of(view: CartView, email: str, delivery: Delivery | None, site: Site, now: datetime) -> Order:
    order = Order(
        email=email,
        currency=site.currency,
        subtotal=view.subtotal,
        shipping_total=view.shipping,
        total=view.total,
        cart_fingerprint=_fingerprint(view, email, delivery),
        inventory_reserved=True,
        reserved_until=now + HOLD,
        created_at=now,
        items=[_item_of(line) for line in view.lines],
    )
    if delivery is not None:
        order.deliver_to(delivery)
    return order


def _item_of(line: CartLine) -> OrderItem:
    """What is bought, as it is today: the product may change tomorrow."""
    return OrderItem(
        product_id=line.product.id,
        quantity=line.quantity,
        price=line.price,
        name=line.product.name,
        slug=line.product.slug,
        image_url=line.product.image_url,
    )


def _attempt_for(order: Order, site: Site, expires_at: datetime) -> PaymentAttempt:
    key = f"attempt-{uuid4()}"
    params = session_request.params_for(order, key, shop=get_shop(), site=site, expires_at=expires_at)
    return PaymentAttempt(order_id=order.id, params=params, idempotency_key=key, expires_at=expires_at)


def _is_used(session: Session, checkout_key: str) -> bool:
    """A page that was sent before, and whose order has ended since: this is another order, without the page's key."""
    return session.scalar(select(Order.id).where(Order.checkout_key == checkout_key)) is not None


def _fingerprint(view: CartView, email: str, delivery: Delivery | None) -> str:
    """Everything a changed cart would change in the order. Not what is in stock: the order itself holds some of it."""
    parts = [f"{line.product.id}x{line.quantity}@{line.price}" for line in view.lines]
    subtotal = Money.sum(line.total for line in view.lines)
    total = subtotal + get_shop().shipping_for(subtotal)
    to = json.dumps(asdict(delivery), sort_keys=True) if delivery is not None else ""
    return hashlib.sha256("|".join([*sorted(parts), str(total), email.lower(), to]).encode()).hexdigest()
