"""The front door."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from mountify.core.clock import utcnow
from mountify.services import products
from mountify.web import descriptions
from mountify.web.answers import page
from mountify.web.frame import frame
from mountify.web.page_cache import kept, remembered, worth_keeping

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> Response:
    return kept("home", _show)


def _show() -> Response:
    worth_keeping()
    newest = remembered("new", products.list_new)
    around = frame()
    return page(
        "home/index.html",
        shared=True,
        hero=newest[0] if newest else None,
        categories=around.categories,
        new_products=newest,
        now=utcnow(),
        total=around.summary.count,
        canonical=url_for(".index"),
        description=descriptions.of_shop(around.shop.lead),
    )
