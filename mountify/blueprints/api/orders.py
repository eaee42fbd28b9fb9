"""The orders of the account that is signed in, and the order of a checkout session."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from mountify.forms.listing import MOST_A_PAGE, USUAL_A_PAGE, check, read_number, read_page
from mountify.models.order import Order
from mountify.services import orders
from mountify.web.auth import identity, require_identity, settings

from .body import amount, moment, order_facts, pagination

bp = Blueprint("orders", __name__, url_prefix="/orders")

_NO_TRACKING: dict[str, Any] = {"status": None, "estimatedDelivery": None, "events": [], "lastUpdated": None}


@bp.get("/my-orders")
def index() -> Response:
    who = require_identity()
    check(request.args)
    limit = read_number(request.args.get("limit", ""), MOST_A_PAGE) or USUAL_A_PAGE
    mine = orders.list_for_user(who.id, read_page(request.args), limit)
    return jsonify(orders=[as_json(order) for order in mine.items], pagination=pagination(mine))


@bp.get("/<id:order_id>")
def show(order_id: int) -> Response:
    return jsonify(order=as_json(orders.get_for_user(order_id, require_identity().id)))


@bp.get("/<id:order_id>/tracking")
def show_tracking(order_id: int) -> Response:
    """The events of its parcel, as far as they are known."""
    order = orders.get_for_user(order_id, require_identity().id)
    return jsonify(
        orderId=order.id,
        status=order.status,
        trackingNumber=order.tracking_number,
        carrier=order.carrier,
        tracking=_NO_TRACKING | {"lastUpdated": moment(order.tracking_last_sync)} | (order.tracking_details or {}),
    )


@bp.get("/session/<session_id>")
def show_by_session(session_id: str) -> Response:
    who = identity()
    order = orders.get_by_session(
        session_id,
        user_id=who.id if who else None,
        key=request.args.get("key", ""),
        secret=settings().secret_key,
    )
    return jsonify(orderId=order.id, status=order.status, email=order.email, total=amount(order.total))


def as_json(order: Order) -> dict[str, Any]:
    return {
        **order_facts(order),
        "trackingNumber": order.tracking_number,
        "carrier": order.carrier,
        "shippedAt": moment(order.shipped_at),
        "trackingDetails": order.tracking_details,
        "shippingName": order.shipping_name,
        "shippingAddress": order.shipping_address,
        "items": [
            {
                "productId": item.product_id,
                "name": item.name,
                "quantity": item.quantity,
                "price": amount(item.price),
                "imageUrl": item.image_url,
            }
            for item in order.items
        ],
    }
