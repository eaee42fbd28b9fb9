"""What is to be shipped and what was, for programs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask_babel import gettext as _

from mountify.blueprints.api.body import json_object, moment, pagination
from mountify.blueprints.api.orders import as_json
from mountify.core.clock import utcnow
from mountify.core.errors.orders import BadTrackingNumber, UnknownCarrier
from mountify.forms.listing import MOST_A_PAGE, USUAL_A_PAGE, check, read_number, read_page
from mountify.forms.shipping import ShipForm
from mountify.models.order import Order
from mountify.services import shipping
from mountify.services.orders import get_order
from mountify.web.auth import actor, settings

bp = Blueprint("shipping", __name__)


@bp.get("/shipping")
def index() -> Response:
    check(request.args)
    limit = read_number(request.args.get("limit", ""), MOST_A_PAGE) or USUAL_A_PAGE
    found = shipping.list_all(read_page(request.args), limit)
    return jsonify(orders=[_show(order) for order in found.items], pagination=pagination(found))


@bp.post("/orders/<id:order_id>/ship")
def ship(order_id: int) -> Response:
    get_order(order_id)
    form = ShipForm.from_json(_with_carrier_as_text(json_object()))
    carrier, number = form.parcel
    try:
        order = shipping.ship(
            actor(), order_id, carrier, number, mail=bool(form.mail.data), site=settings().site, now=utcnow()
        )
    except UnknownCarrier as error:
        raise form.refused("carrier", error) from error
    except BadTrackingNumber as error:
        raise form.refused("tracking_number", error) from error
    parcel = order.parcel
    told = {
        "id": order.id,
        "status": order.status,
        "tracking_number": order.tracking_number,
        "carrier": order.carrier,
        "shipped_at": moment(order.shipped_at),
    }
    said = _("Order %(number)s is shipped.", number=order.number)
    return jsonify(message=said, order=told, trackingAvailable=bool(parcel and parcel.url))


def _with_carrier_as_text(body: dict[str, Any]) -> dict[str, Any]:
    """A carrier's number at 17track is a number to most."""
    carrier = body.get("carrier")
    return body | {"carrier": str(carrier)} if type(carrier) is int else body


def _show(order: Order) -> dict[str, Any]:
    return as_json(order) | {
        "paidAt": moment(order.paid_at),
        "shippingPhone": order.shipping_phone,
        "trackingUrl": order.parcel.url or None if order.parcel else None,
    }
