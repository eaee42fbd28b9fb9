"""The front door."""

from __future__ import annotations

from flask import Blueprint, Response

from mountify.core.clock import utcnow
from mountify.services import products
from mountify.web.answers import page
from mountify.web.templating import nav, nav_total

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> Response:
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
    )
