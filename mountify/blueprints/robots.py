"""What machines that read the shop want to know: which pages there are, and which to leave alone."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, render_template

from mountify.services import products
from mountify.services.settings import PAGES
from mountify.web.auth import settings
from mountify.web.frame import frame
from mountify.web.page_cache import kept, worth_keeping

bp = Blueprint("robots", __name__)


@bp.get("/robots.txt")
def rules() -> Response:
    g.is_shared = True
    response = make_response(render_template("robots/robots.txt", base_url=settings().base_url))
    response.mimetype = "text/plain"
    return response


@bp.get("/sitemap.xml")
def sitemap() -> Response:
    """https://www.sitemaps.org/protocol.html"""
    return kept("sitemap", _list_pages, mimetype="application/xml")


def _list_pages() -> Response:
    g.is_shared = True
    worth_keeping()
    response = make_response(
        render_template(
            "robots/sitemap.xml",
            base_url=settings().base_url,
            categories=frame().categories,
            products=products.list_addresses(),
            pages=[name for name in PAGES if name in frame().shop.pages],
        )
    )
    response.mimetype = "application/xml"
    return response
