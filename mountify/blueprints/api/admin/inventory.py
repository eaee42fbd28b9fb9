"""Stock, kept by programs."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask_babel import gettext as _

from mountify.blueprints.api.body import json_object, pagination
from mountify.core.clock import utcnow
from mountify.core.errors import InvalidInput
from mountify.forms.listing import MOST_A_PAGE, USUAL_A_PAGE, check, read_number, read_page, read_words
from mountify.forms.stock import AdjustForm, OnHandForm
from mountify.services import stock_changes, stock_table
from mountify.services.stock_changes import Reason
from mountify.services.stock_table import Level, Row
from mountify.web.auth import actor

bp = Blueprint("inventory", __name__, url_prefix="/inventory")


@bp.get("")
def index() -> Response:
    check(request.args)
    level = request.args.get("level", Level.ALL)
    if level not in set(Level):
        raise InvalidInput(_("Choose all, low or out."))
    size = read_number(request.args.get("limit", ""), MOST_A_PAGE) or USUAL_A_PAGE
    rows = stock_table.list_rows(
        read_words(request.args.get("search", "")), Level(level), read_page(request.args), size
    )
    return jsonify(inventory=[_show(row) for row in rows.items], pagination=pagination(rows))


@bp.put("/<id:product_id>")
def change(product_id: int) -> Response:
    """Set what is on hand, `onHand` and maybe `expected`, or add to it: `delta`, maybe `reason`, `note` and `key`."""
    body = json_object()
    if ("onHand" in body) == ("delta" in body):
        raise InvalidInput(_("Send onHand or delta."))
    if "delta" in body:
        moved = AdjustForm.from_json({"reason": Reason.OTHER.value, **body})
        row = stock_changes.adjust(actor(), product_id, moved.delta.value, **moved.why, now=utcnow())
    else:
        counted = OnHandForm.from_json(body)
        row = stock_changes.set_on_hand(
            actor(), product_id, counted.on_hand.value, expected=counted.expected.data, now=utcnow()
        )
    numbers = {"sku_id": row.id, "on_hand": row.on_hand, "reserved": row.reserved, "available": row.available}
    return jsonify(inventory=numbers)


def _show(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "sku_id": row.id,
        "on_hand": row.on_hand,
        "reserved": row.reserved,
        "available": row.available,
        "updated_at": row.updated_at.isoformat(),
    }
