"""The front door."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from mountify.core.clock import utcnow
from mountify.services import products
from mountify.services.settings import get_shop
from mountify.web.answers import page
from mountify.web.page_cache import kept, worth_keeping
from mountify.web.templating import nav, nav_total

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> Response:
    return kept("home", _show)


def _show() -> Response:
    worth_keeping()
    newest = products.list_new(4)
    categories = nav()
    return page(
        "home/index.html",
        shared=True,
        hero=newest[0] if newest else None,
        categories=categories,
        new_products=newest,
        now=utcnow(),
        total=nav_total(),
        canonical=url_for(".index"),
        description=get_shop().lead or get_shop().about,
    )
