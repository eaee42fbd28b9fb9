"""The order of a checkout session."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from mountify.services import orders
from mountify.web.auth import identity, settings

from .body import amount

bp = Blueprint("orders", __name__, url_prefix="/orders")


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
