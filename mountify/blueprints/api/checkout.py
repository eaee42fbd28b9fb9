"""From a cart, or a list of items, to Stripe's page."""

from __future__ import annotations

from collections import Counter
from typing import Any

from flask import Blueprint, Response, jsonify, make_response
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors import N_, InvalidInput
from mountify.core.errors.carts import CartChanged, CartEmpty, NotEnoughStock
from mountify.core.ids import BIGGEST_ID
from mountify.core.tokens import new_token, sign
from mountify.forms.checkout import CheckoutForm
from mountify.forms.listing import invalid_fields
from mountify.services import cart_view, carts, checkout
from mountify.services.cart_view import CartOwner
from mountify.web.auth import find_cart_owner, identity, settings
from mountify.web.gateways import gateways
from mountify.web.limits import CHECKOUTS, limiter

from .body import json_object

bp = Blueprint("checkout", __name__, url_prefix="/checkout")


@bp.post("")
@limiter.shared_limit(CHECKOUTS, scope="checkout")
def start() -> Response:
    """Reserve and give the address of Stripe's page. The same `checkoutKey` gives the same order.

    `addressId` is one of the account's addresses; without it, Stripe asks for one.
    """
    body = json_object(may_be_empty=True)
    who = identity()
    given = {"email": who.email if who else "", "checkoutKey": new_token(), "addressId": None}
    given |= {name: body[name] for name in given if body.get(name) is not None}
    form = CheckoutForm.from_json({name: value for name, value in given.items() if value is not None})
    key = str(form.checkout_key.data)
    items = _read_items(body["items"]) if "items" in body else None
    owner = find_cart_owner()
    try:
        if items is not None:
            if known := checkout.find_repeated(key, form.email.data, items, site=settings().site):
                return jsonify(url=known.url, orderId=known.order_id)
            owner = _cart_of(key, items)
        if owner is None:
            raise CartEmpty
        started = checkout.start(
            owner,
            form.email.data,
            key,
            items=items,
            address_id=form.address_id.data,
            payments=gateways().payments,
            site=settings().site,
            now=utcnow(),
        )
    except CartEmpty:
        raise InvalidInput(CartEmpty.message) from None
    except CartChanged:
        return _why(owner)
    except NotEnoughStock as error:
        return _insufficient(error.facts)
    return jsonify(url=started.url, orderId=started.order_id)


def _read_items(items: Any) -> dict[int, int]:
    """Merge `[{productId, quantity}]` into quantities by product. Raises InvalidInput."""
    if not isinstance(items, list) or not items:
        raise InvalidInput(N_("There are no items to order."))
    merged: Counter[int] = Counter()
    for item in items:
        product_id, quantity = (item.get("productId"), item.get("quantity", 1)) if isinstance(item, dict) else (0, 0)
        if type(product_id) is not int or not 1 <= product_id <= BIGGEST_ID:
            raise invalid_fields({"items": [_("Each item names a product by its number.")]})
        if type(quantity) is not int or quantity < 1:
            raise invalid_fields({"items": [_("Each item has a quantity, a whole number from 1.")]})
        merged[product_id] += quantity
    return dict(merged)


def _cart_of(key: str, items: dict[int, int]) -> CartOwner:
    """A cart for these items alone, found again by the key: the shopper's own stays as it is."""
    who = identity()
    owner = CartOwner(token=sign(settings().secret_key, "api-cart", key), buyer_id=who.id if who else None)
    carts.replace(owner, items, now=utcnow())
    return owner


def _why(owner: CartOwner | None) -> Response:
    """Name the line that cannot be had; a new price alone is for the shopper to look at."""
    for line in cart_view.get_view(owner).lines:
        if line.is_gone or line.is_short:
            return _insufficient({"productId": line.product.id, "available": 0 if line.is_gone else line.available})
    raise CartChanged


def _insufficient(facts: dict[str, object]) -> Response:
    return make_response(jsonify(error=_("Insufficient stock"), **facts), 409)
