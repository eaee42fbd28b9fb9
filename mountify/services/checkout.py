"""From a cart to Stripe's page: reserve and store what Stripe will be asked, commit, ask (payment_sessions)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from mountify import db
from mountify.core.checkpoints import reached
from mountify.core.errors.accounts import SignInNeeded
from mountify.core.errors.carts import CartChanged, CartEmpty
from mountify.core.order_status import OrderStatus
from mountify.core.payment_session import Delivery
from mountify.core.site import Site
from mountify.gateways import Payments
from mountify.models.cart import Cart
from mountify.models.order import Order
from mountify.models.payment import AttemptState
from mountify.services import addresses, cart_view, carts, payment_sessions, placing
from mountify.services.cart_view import CartOwner
from mountify.services.order_emails import order_url
from mountify.services.orders import lines_of, lock_order
from mountify.services.payment_sessions import Request, newest_attempt, open_session
from mountify.services.placing import Purchase
from mountify.services.settlement import SUPERSEDED
from mountify.transaction import retried_once, transaction, violated

MOST_TRIES = 3
_TAKEN_MEANWHILE = frozenset({"uq_orders_checkout_key", "uq_orders_pending_cart"})


@dataclass(frozen=True)
class _Wish:
    """What a shopper asks for with one click, as the parameters of `start` say."""

    owner: CartOwner
    email: str
    checkout_key: str
    items: Mapping[int, int] | None
    address_id: int | None


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
    wish = _Wish(owner, email, checkout_key, items, address_id)
    for _ in range(MOST_TRIES):
        try:
            step = _reserve(wish, site, now)
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
def _reserve(wish: _Wish, site: Site, now: datetime) -> Request | Started | _Superseded:
    owner, checkout_key = wish.owner, wish.checkout_key
    with transaction() as session:
        reached("checkout.before_lock")
        cart = carts.lock_cart(session, owner)
        # Whoever settles locks the cart, too: what was not yet paid at the first question may be by now.
        if wish.items is not None and (known := find_repeated(checkout_key, wish.email, wish.items, site=site)):
            return known
        view = cart_view.view_of(cart_view.read_lines(session, cart.id) if cart else [])
        pending = _find_pending(session, cart, checkout_key)
        purchase = Purchase(view, wish.email, _find_delivery(session, wish))
        reached("checkout.locked")
        if pending is not None and (pending.checkout_key == checkout_key or not view.is_empty):
            if pending.cart_fingerprint == purchase.fingerprint and pending.is_held_at(now):
                return Request.of(newest_attempt(session, pending.id))
            return _Superseded(pending.id)
        if cart is None or view.is_empty:
            raise CartEmpty
        if view.has_problems:
            raise CartChanged
        carts.check_total(view.lines)
        attempt = placing.place(
            session,
            purchase,
            cart_id=cart.id,
            user_id=owner.orders_for,
            checkout_key=checkout_key,
            site=site,
            now=now,
        )
        reached("checkout.before_commit")
        return Request.of(attempt)


def _find_delivery(session: Session, wish: _Wish) -> Delivery | None:
    """Find where it goes in the book of whoever orders. Raises UnknownAddress."""
    if wish.address_id is None:
        return None
    return addresses.get_delivery(session, wish.owner.orders_for, wish.address_id)


def _find_pending(session: Session, cart: Cart | None, checkout_key: str) -> Order | None:
    """Find and lock the order of the cart, or of the page where no cart is left."""
    mine = Order.checkout_key == checkout_key if cart is None else Order.cart_id == cart.id
    order_id = session.scalar(select(Order.id).where(mine, Order.status == OrderStatus.PENDING))
    order = lock_order(session, order_id) if order_id is not None else None
    return order if order is not None and order.is_pending else None
