"""Orders, kept by programs."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask_babel import gettext as _

from mountify.blueprints.api.body import amount, json_object, moment, order_row, pagination
from mountify.blueprints.api.orders import as_json
from mountify.core.clock import utcnow
from mountify.core.errors import InvalidInput
from mountify.core.errors.orders import OtherRoute
from mountify.core.errors.payments import BadAmount
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus
from mountify.core.tokens import is_token
from mountify.forms import listing
from mountify.forms import orders as forms
from mountify.models.order import Order
from mountify.services import order_changes, order_table, refund_requests
from mountify.services.orders import get_order
from mountify.services.refund_requests import Wish
from mountify.services.returns import Parts
from mountify.web.auth import actor, require_admin, require_proof, settings
from mountify.web.gateways import gateways

bp = Blueprint("orders", __name__, url_prefix="/orders")

_AMOUNT = re.compile(r"-?[0-9]{1,8}(\.[0-9]{1,2})?")
# What a status is not written by.
_ROUTES = {
    OrderStatus.PAID: "POST /api/webhooks/stripe",
    OrderStatus.SHIPPED: "POST /api/admin/orders/{id}/ship",
    OrderStatus.REFUNDED: "POST /api/admin/orders/{id}/refund",
}


@bp.get("")
def index() -> Response:
    listing.check(request.args)
    forms.check(request.args)
    filters, number = forms.read_filters(request.args), listing.read_page(request.args)
    size = listing.read_number(request.args.get("limit", ""), listing.MOST_A_PAGE) or listing.USUAL_A_PAGE
    rows = order_table.list_orders(filters, number, size, timezone=settings().timezone)
    return jsonify(orders=[order_row(row) for row in rows.items], pagination=pagination(rows))


@bp.get("/<id:order_id>")
def show(order_id: int) -> Response:
    return jsonify(order=_show(get_order(order_id)))


@bp.put("/<id:order_id>")
def change(order_id: int) -> Response:
    """Cancel an order that waits for its payment, or say that one has arrived; other routes do the rest."""
    wanted, order = _read_status(json_object().get("status")), get_order(order_id)
    if wanted is OrderStatus.CANCELLED and order.is_paid:
        wanted = OrderStatus.REFUNDED
    if wanted is OrderStatus.CANCELLED:
        order = order_changes.cancel(
            actor(), order_id, payments=gateways().payments, site=settings().site, now=utcnow()
        )
    elif wanted is OrderStatus.DELIVERED:
        order = order_changes.mark_delivered(actor(), order_id, now=utcnow())
    else:
        raise OtherRoute(wanted=wanted.value, route=_ROUTES.get(wanted, _("time alone")))
    return jsonify(order=_show(order))


@bp.post("/<id:order_id>/refund")
def refund(order_id: int) -> Response:
    require_admin()
    require_proof()
    body = json_object(may_be_empty=True)
    if set(body) - {"amount", "restock", "key"}:
        raise InvalidInput(_("Send amount, restock and key, or less of them."))
    wish = Wish(
        _read_amount(body.get("amount")), parts=_read_parts(body.get("restock", False)), key=_read_key(body.get("key"))
    )
    made = refund_requests.get(refund_requests.request(order_id, wish, by=actor(), now=utcnow()))
    order = get_order(order_id)
    return jsonify(order=_show(order), refund={"id": made.id, "amount": amount(made.amount), "status": made.state})


def _read_status(given: object) -> OrderStatus:
    if not isinstance(given, str) or given not in set(OrderStatus):
        raise InvalidInput(_("Send a status: cancelled or delivered."))
    return OrderStatus(given)


def _read_amount(given: object) -> Money | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float | str) or not _AMOUNT.fullmatch(str(given)):
        raise BadAmount
    return Money.of(str(given))


def _read_key(given: object) -> str | None:
    """What makes a repeated request the same refund."""
    if given is None:
        return None
    if not isinstance(given, str) or not is_token(given):
        raise InvalidInput(_("Send a key of 43 letters and digits, or none."))
    return given


def _read_parts(given: object) -> Parts:
    """All of them, none, or `[{productId, quantity}]`."""
    if isinstance(given, bool):
        return None if given else {}
    if not isinstance(given, list):
        raise InvalidInput(_("Send restock as true, false, or a list of productId and quantity."))
    parts: Counter[int] = Counter()
    for each in given:
        product_id, quantity = (each.get("productId"), each.get("quantity")) if isinstance(each, dict) else (None, None)
        if type(product_id) is not int or type(quantity) is not int or quantity < 1:
            raise InvalidInput(_("Send restock as true, false, or a list of productId and quantity."))
        parts[product_id] += quantity
    return dict(parts)


def _show(order: Order) -> dict[str, Any]:
    return as_json(order) | {
        "subtotal": amount(order.subtotal),
        "shippingTotal": amount(order.shipping_total),
        "refundedTotal": amount(order.refunded_total),
        "paidAt": moment(order.paid_at),
        "shippingPhone": order.shipping_phone,
    }
