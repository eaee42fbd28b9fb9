"""The desk's figures; ?days= is one of 1, 7, 30, 90 and 365."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask_babel import gettext as _

from mountify.blueprints.api.body import amount
from mountify.core.clock import utcnow
from mountify.core.texts import read_whole
from mountify.forms.listing import invalid_fields
from mountify.services import stats
from mountify.services.stats import Low, Point, Recent
from mountify.web.auth import settings
from mountify.web.frame import frame

bp = Blueprint("stats", __name__, url_prefix="/stats")


@bp.get("")
def show() -> Response:
    config, days = settings(), read_whole(request.args.get("days", f"{stats.USUAL}"))
    if days not in stats.PERIODS:
        raise invalid_fields({"days": [_("Choose 1, 7, 30, 90 or 365.")]})
    figures = stats.read(days, timezone=config.timezone, currency=config.currency, now=utcnow())
    return jsonify(
        products=frame().summary.count,
        orders=figures.sums.orders,
        revenue=amount(figures.sums.revenue),
        averageOrder=amount(figures.sums.average),
        recentOrders=[_order(order) for order in stats.list_recent()],
        lowStock=[_low(part) for part in stats.list_low()],
        series=[_point(point) for point in figures.series],
    )


def _order(order: Recent) -> dict[str, Any]:
    return {
        "id": order.id,
        "number": order.number,
        "email": order.email,
        "total": amount(order.total),
        "status": order.status,
        "createdAt": order.created_at.isoformat(),
        "itemCount": order.count,
    }


def _low(part: Low) -> dict[str, Any]:
    return {"id": part.id, "name": part.name, "available": part.available, "lowStockLevel": part.level}


def _point(point: Point) -> dict[str, Any]:
    """Of today each hour is told, as 2026-11-30T14."""
    hour = "" if point.hour is None else f"T{point.hour:02}"
    return {
        "date": point.day.isoformat() + hour,
        "orders": point.sums.orders,
        "revenue": amount(point.sums.revenue),
    }
