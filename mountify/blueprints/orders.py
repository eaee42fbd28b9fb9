"""Orders of accounts, and of guests by signed link."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.models.order import Order
from mountify.services import checkout, orders
from mountify.web.answers import done, page
from mountify.web.auth import identity, settings
from mountify.web.gateways import gateways
from mountify.web.limits import limiter

bp = Blueprint("orders", __name__, url_prefix="/orders")


@bp.get("/<id:order_id>")
def show(order_id: int) -> Response:
    order = _get(order_id)
    return page(
        "orders/show.html",
        order=order,
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


def _get(order_id: int) -> Order:
    who = identity()
    return orders.get_for_viewer(order_id, user_id=who.id if who else None, key=_key(), secret=settings().secret_key)


def _key() -> str:
    """The signature of a guest's link; it travels in the address, also when a form of the page is sent."""
    return request.args.get("key", "")
