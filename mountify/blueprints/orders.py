"""Orders of accounts, and of guests by signed link."""

from __future__ import annotations

from flask import Blueprint, Response, flash, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mountify.core.clock import utcnow
from mountify.forms.listing import read_page
from mountify.models.order import Order
from mountify.services import checkout, orders, reorder
from mountify.web import cart_words
from mountify.web.answers import done, is_page_load, page
from mountify.web.auth import cart_owner, identity, keep_cart, require_identity, settings
from mountify.web.gateways import gateways
from mountify.web.limits import limiter

bp = Blueprint("orders", __name__, url_prefix="/orders")


@bp.get("")
def index() -> Response:
    """The orders of the account that is signed in."""
    who = require_identity()
    return page("orders/index.html", orders=orders.list_for_user(who.id, read_page(request.args)))


@bp.get("/<id:order_id>")
def show(order_id: int) -> Response:
    order, who = _get(order_id), identity()
    return page(
        "orders/show.html",
        order=order,
        is_mine=who is not None and order.user_id == who.id,
        events=orders.list_events_for_buyer(order),
        payment=orders.find_pending_payment(order, now=utcnow()),
        was_charged=orders.was_charged(order),
        key=_key(),
    )


@bp.post("/<id:order_id>/cancellation")
@limiter.limit("10/minute")
def cancel(order_id: int) -> Response:
    """Cancel an order that waits for its payment; one that was paid meanwhile is shown as it is."""
    _get(order_id)
    order = checkout.cancel(order_id, payments=gateways().payments, site=settings().site, now=utcnow())
    said = _("Order %(number)s is cancelled. Nothing was charged.", number=order.number)
    is_free = order.is_cancelled and not orders.was_charged(order)
    return done(said if is_free else None, to=url_for(".show", order_id=order.id, key=_key() or None))


@bp.post("/<id:order_id>/cart-items")
def buy_again(order_id: int) -> Response:
    """Put the parts of an order into the cart, as many as can be had now, and say what is not as it was."""
    order, owner = _get(order_id), cart_owner()
    number, parts = order.number, reorder.buy_again(owner, order, now=utcnow(), by_page_load=is_page_load())
    keep_cart(owner)
    for sentence in cart_words.of_reorder(parts):
        flash(sentence, "warn")
    added = sum(part.added for part in parts)
    said = ngettext(
        "Added %(num)s part of order %(number)s.", "Added %(num)s parts of order %(number)s.", added, number=number
    )
    return done(said if added else None, to=url_for("cart.show"))


def _get(order_id: int) -> Order:
    who = identity()
    return orders.get_for_viewer(order_id, user_id=who.id if who else None, key=_key(), secret=settings().secret_key)


def _key() -> str:
    """The signature of a guest's link; it travels in the address, also when a form of the page is sent."""
    return request.args.get("key", "")
