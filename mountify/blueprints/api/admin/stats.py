"""The desk's figures; ?days= is one of 1, 7, 30, 90 and 365."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask_babel import gettext as _

from mountify.blueprints.api.body import amount, order_row
from mountify.core.clock import utcnow
from mountify.core.texts import read_whole
from mountify.forms.listing import invalid_fields
from mountify.services import order_table, stats, stock_table
from mountify.services.stats import Point
from mountify.services.stock_table import Row
from mountify.web.auth import settings
from mountify.web.frame import frame

bp = Blueprint("stats", __name__, url_prefix="/stats")

SHORTLIST = 5


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
        recentOrders=[order_row(row) for row in order_table.list_newest(SHORTLIST)],
        lowStock=[_low(part) for part in stock_table.list_lowest(SHORTLIST)],
        series=[_point(point) for point in figures.series],
    )


def _low(part: Row) -> dict[str, Any]:
    return {"id": part.id, "name": part.name, "available": part.available, "lowStockLevel": part.low_stock_level}


def _point(point: Point) -> dict[str, Any]:
    """Of today each hour is told, as 2026-11-30T14."""
    hour = "" if point.hour is None else f"T{point.hour:02}"
    return {
        "date": point.day.isoformat() + hour,
        "orders": point.sums.orders,
        "revenue": amount(point.sums.revenue),
    }
