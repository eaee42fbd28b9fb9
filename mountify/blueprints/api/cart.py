"""The cart, for guests and accounts alike."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.forms.cart import AddItemForm, SetQuantityForm
from mountify.services import cart_view, carts
from mountify.services.cart_view import CartOwner
from mountify.web.auth import cart_owner, find_cart_owner, keep_cart

from .body import amount, json_object

bp = Blueprint("cart", __name__, url_prefix="/cart")


@bp.get("")
def show() -> Response:
    cart = cart_view.get_view(find_cart_owner())
    return jsonify(
        cart=[
            {
                "id": line.product.id,
                "name": line.product.name,
                "price": amount(line.price),
                "imageUrl": line.product.image_url,
                "description": line.product.description,
                "quantity": line.quantity,
                "available": 0 if line.is_withdrawn else line.available,
            }
            for line in cart.lines
        ],
        subtotal=amount(cart.subtotal),
    )


@bp.post("")
def add_item() -> Response:
    form = AddItemForm.from_json(json_object())
    owner = cart_owner()
    carts.add_item(owner, form.product_id.value, form.quantity.value, now=utcnow())
    keep_cart(owner)
    return _changed(_("Added to cart."))


@bp.patch("/<id:product_id>")
def set_quantity(product_id: int) -> Response:
    form = SetQuantityForm.from_json(json_object())
    carts.set_quantity(_existing(), product_id, form.quantity.value, now=utcnow())
    return _changed(_("Cart updated."))


@bp.delete("/<id:product_id>")
def remove_item(product_id: int) -> Response:
    if not carts.remove_item(_existing(), product_id):
        raise NotFound
    return _changed(_("Removed from your cart."))


@bp.delete("")
def clear() -> Response:
    if owner := find_cart_owner():
        carts.clear(owner)
    return _changed(_("Your cart is empty now."))


def _existing() -> CartOwner:
    owner = find_cart_owner()
    if owner is None:
        raise NotFound
    return owner


def _changed(message: str) -> Response:
    owner = find_cart_owner()
    return jsonify(message=message, count=carts.count(owner) if owner else 0)
