"""The desk's first page: what the shop takes in, and what waits."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask_babel import format_timedelta

from mountify.core.clock import utcnow
from mountify.core.texts import read_whole
from mountify.services import attention, stats
from mountify.web import charts
from mountify.web.answers import page
from mountify.web.auth import settings

bp = Blueprint("dashboard", __name__)
MOST_OPEN = 5


@bp.get("")
def index() -> Response:
    now, config, asked = utcnow(), settings(), read_whole(request.args.get("days", ""))
    days = asked if asked in stats.PERIODS else stats.USUAL
    figures = stats.read(days, timezone=config.timezone, currency=config.currency, now=now)
    to_ship, is_open = stats.count_to_ship(), attention.list_open(now=now)
    return page(
        "admin/dashboard/index.html",
        figures=figures,
        periods=stats.PERIODS,
        chart=charts.revenue(figures, config.currency),
        to_ship=to_ship,
        waits=format_timedelta(now - to_ship.oldest, granularity="minute", threshold=2) if to_ship.oldest else "",
        recent=stats.list_recent(),
        low=stats.list_low(),
        open_items=is_open.items[:MOST_OPEN],
        open_total=is_open.total,
    )
