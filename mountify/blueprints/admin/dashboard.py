"""The desk's first page: what the shop takes in, and what waits."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask_babel import format_timedelta

from mountify.core.clock import utcnow
from mountify.core.texts import read_whole
from mountify.services import attention, order_table, shipping, stats, stock_table
from mountify.web import charts
from mountify.web.answers import page
from mountify.web.auth import settings

bp = Blueprint("dashboard", __name__)
SHORTLIST = 5


@bp.get("")
def index() -> Response:
    now, config, asked = utcnow(), settings(), read_whole(request.args.get("days", ""))
    days = asked if asked in stats.PERIODS else stats.USUAL
    figures = stats.read(days, timezone=config.timezone, currency=config.currency, now=now)
    oldest, is_open = shipping.find_oldest_to_ship(), attention.list_open(now=now)
    return page(
        "admin/dashboard/index.html",
        figures=figures,
        periods=stats.PERIODS,
        chart=charts.revenue(figures, config.currency),
        to_ship=shipping.count_to_ship(),
        waits=format_timedelta(now - oldest, granularity="minute", threshold=2) if oldest else "",
        recent=order_table.list_newest(SHORTLIST),
        low=stock_table.list_lowest(SHORTLIST),
        open_items=is_open.items[:SHORTLIST],
        open_total=is_open.total,
    )
