"""Delivery, returns, privacy, terms, contact: what the merchant has written, in Markdown."""

from __future__ import annotations

from flask import Blueprint, Response, url_for

from mountify.core.errors import NotFound
from mountify.web import descriptions
from mountify.web.answers import page
from mountify.web.frame import frame
from mountify.web.templating import content_titles

bp = Blueprint("content", __name__)


@bp.get("/<any(delivery, returns, privacy, terms, contact):name>")
def show(name: str) -> Response:
    shop = frame().shop
    if name not in shop.pages:
        raise NotFound
    title = content_titles()[name]
    return page(
        "content/show.html",
        shared=True,
        name=name,
        title=title,
        text=shop.pages[name],
        canonical=url_for(".show", name=name),
        description=descriptions.of_text(title, shop.pages[name]),
    )
