"""The cart, for guests and accounts alike."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mountify.core.clock import utcnow
from mountify.core.errors import NotFound
from mountify.forms.base import BadForm
from mountify.forms.cart import AddItemForm, UpdateItemForm
from mountify.services import cart_view, carts, products
from mountify.web.answers import back, done, is_page_load, page, wants_fragment
from mountify.web.auth import cart_owner, find_cart_owner, keep_cart

from .products import show_page

bp = Blueprint("cart", __name__, url_prefix="/cart")


@bp.get("")
def show() -> Response:
    cart = cart_view.get_view(find_cart_owner())
    return page(
        "cart/show.html",
        block="cart",
        cart=cart,
        new_products=products.list_new(4) if cart.is_empty else [],
        now=utcnow(),
    )


@bp.post("/items")
def add_item() -> Response:
    """Put a product in the cart."""
    form = AddItemForm()
    if not form.validate():
        return _bad_item(form)
    owner = cart_owner()
    line = carts.add_item(owner, form.product_id.value, form.quantity.value, now=utcnow(), by_page_load=is_page_load())
    keep_cart(owner)
    message = ngettext("Added %(name)s.", "Added %(num)s × %(name)s.", line.quantity, name=line.product.name)
    return done(message, to=back(url_for(".show")), kind="added", stream="cart/add_item.stream.html", line=line)


@bp.post("/items/<id:product_id>")
def update_item(product_id: int) -> Response:
    form = UpdateItemForm()
    if not form.validate():
        return _bad_quantity(form)
    owner = find_cart_owner() or cart_owner()
    try:
        carts.set_quantity(owner, product_id, form.wanted, now=utcnow())
    except NotFound:  # taken out in another tab: show the cart as it is
        return _changed(_("That part is no longer in your cart."), line_gone=True)
    keep_cart(owner)
    return _changed(None)


@bp.post("/items/<id:product_id>/removal")
def remove_item(product_id: int) -> Response:
    if owner := find_cart_owner():
        carts.remove_item(owner, product_id)
    return _changed(_("Removed from your cart."), line_gone=True)


@bp.post("/items/<id:product_id>/acceptance")
def accept_item(product_id: int) -> Response:
    """Take one line as it can be had now."""
    if owner := find_cart_owner():
        carts.accept_changes(owner, product_id)
    return _changed(None)


@bp.post("/removal")
def clear() -> Response:
    if owner := find_cart_owner():
        carts.clear(owner)
    return _changed(_("Your cart is empty now."))


@bp.post("/acceptance")
def accept() -> Response:
    """Take the cart as it can be had now, and go on with it."""
    owner = find_cart_owner()
    if owner is not None:
        carts.accept_changes(owner)
    if cart_view.get_view(owner).is_empty:
        return _changed(_("Your cart is empty now."))
    return done(None, to=url_for("checkout.show"))


def _changed(message: str | None, *, line_gone: bool = False) -> Response:
    """Answer with the cart as it is now; where the focused line has gone, the focus goes to what is left."""
    owner = find_cart_owner() if wants_fragment() else None
    cart = cart_view.get_view(owner)
    newest = products.list_new(4) if owner and cart.is_empty else []
    return done(
        message,
        to=url_for(".show"),
        stream="cart/update.stream.html",
        cart=cart,
        new_products=newest,
        now=utcnow(),
        line_gone=line_gone,
    )


def _bad_item(form: AddItemForm) -> Response:
    """Show what is wrong beside the field; without a product there is no page to show it on."""
    if wants_fragment() or form.product_id.errors:
        raise BadForm(form)
    product = products.get_product(form.product_id.value)
    return show_page(product, quantity=request.form.get("quantity", "")[:20], error=form.messages[0], status=422)


def _bad_quantity(form: UpdateItemForm) -> Response:
    if wants_fragment():
        raise BadForm(form)
    return page(
        "cart/show.html",
        status=422,
        cart=cart_view.get_view(find_cart_owner()),
        new_products=[],
        error=form.messages[0],
        now=utcnow(),
    )
