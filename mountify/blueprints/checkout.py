"""From the cart to Stripe and back."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from flask import Blueprint, Response, make_response, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as BaseResponse

from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.core.errors.accounts import UnknownAddress
from mountify.core.errors.carts import CartChanged, CartEmpty
from mountify.core.errors.payments import PaymentsUnavailable, UnknownSession, UnreadableAmount
from mountify.core.tokens import new_token
from mountify.forms.checkout import CheckoutForm
from mountify.models.account import Address
from mountify.services import addresses, cart_view, checkout, orders, settlement
from mountify.web.answers import page, seen_other, wants_fragment
from mountify.web.auth import find_cart_owner, identity, settings
from mountify.web.gateways import gateways
from mountify.web.limits import CHECKOUTS, limiter

bp = Blueprint("checkout", __name__, url_prefix="/checkout")


@bp.get("")
def show() -> BaseResponse:
    cart = cart_view.get_view(find_cart_owner())
    if cart.is_empty or cart.has_problems:
        return seen_other(url_for("cart.show"))
    who, book = identity(), _book()
    preselected = book[0].id if book else None
    form = CheckoutForm(email=who.email if who else "", checkout_key=new_token(), address_id=preselected)
    return page("checkout/show.html", form=form, cart=cart, addresses=book)


@bp.post("")
@limiter.shared_limit(CHECKOUTS, scope="checkout")
def start() -> BaseResponse:
    """Reserve the cart and send the shopper to Stripe."""
    form = CheckoutForm()
    if not form.validate():
        form.checkout_key.data = new_token() if form.checkout_key.errors else form.checkout_key.data
        return _wrong(form)
    config, owner = settings(), find_cart_owner()
    if owner is None:
        raise CartEmpty
    try:
        started = checkout.start(
            owner,
            form.email.data,
            form.checkout_key.data,
            address_id=form.address_id.data,
            payments=gateways().payments,
            site=config.site,
            now=utcnow(),
        )
    except CartChanged:
        return seen_other(url_for("cart.show"))
    except UnknownAddress as error:  # deleted in another window perhaps
        form.address_id.errors = [_(error.message_id)]
        return _wrong(form)
    return seen_other(started.url)


def _book() -> Sequence[Address]:
    who = identity()
    return addresses.list_deliverable(who.id) if who else []


def _wrong(form: CheckoutForm) -> BaseResponse:
    cart = cart_view.get_view(find_cart_owner())
    return page("checkout/show.html", status=422, form=form, cart=cart, addresses=_book())


@bp.get("/success")
@limiter.limit("60/minute")
def success() -> BaseResponse:
    """Back from Stripe: settle by asking Stripe, whoever tells us first. A mere look (HEAD) changes nothing."""
    if request.method == "HEAD":
        return make_response("")
    session_id, key = request.args.get("session_id", ""), request.args.get("key", "")
    order_id = orders.find_by_session(session_id, key=key, secret=settings().secret_key)
    if order_id is None:
        raise NotFound
    # When Stripe does not answer, the webhook tells us; until then the page says that the payment is being confirmed.
    with suppress(PaymentsUnavailable, UnknownSession, UnreadableAmount):
        settlement.sync_session(session_id, payments=gateways().payments, site=settings().site, now=utcnow())
    order = orders.get_for_viewer(order_id, user_id=None, key=key, secret=settings().secret_key)
    if order.is_pending:
        return page("checkout/pending.html", block="waiting", order=order, reload_url=request.full_path)
    if not order.is_paid:
        return seen_other(url_for("orders.show", order_id=order.id, key=key))
    if wants_fragment():  # the waiting page has asked: what it waited for is a page of its own
        return seen_other(request.full_path)
    return page("checkout/success.html", order=order, key=key)


@bp.get("/cancelled")
@limiter.limit("60/minute")
def cancelled() -> Response:
    """Back from Stripe without paying: the stock goes back on the shelf, the cart stays. HEAD changes nothing."""
    if request.method == "HEAD":
        return make_response("")
    order_id, key = request.args.get("order", type=int) or 0, request.args.get("key", "")
    orders.get_for_viewer(order_id, user_id=None, key=key, secret=settings().secret_key)
    order = checkout.cancel(order_id, payments=gateways().payments, site=settings().site, now=utcnow())
    if order.is_pending or orders.was_charged(order):  # its money is on the way, or came after all
        return seen_other(url_for("orders.show", order_id=order.id, key=key))
    return page("checkout/cancelled.html", order=order)
