"""Orders of accounts, and of guests by signed link."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mountify.services import orders
from mountify.web.answers import page
from mountify.web.auth import identity, settings

bp = Blueprint("orders", __name__, url_prefix="/orders")


@bp.get("/<id:order_id>")
def show(order_id: int) -> Response:
    who = identity()
    order = orders.get_for_viewer(
        order_id,
        user_id=who.id if who else None,
        key=request.args.get("key", ""),
        secret=settings().secret_key,
    )
    return page("orders/show.html", order=order, events=orders.list_events(order), can_cancel=False)
