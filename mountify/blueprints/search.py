"""Search by words: suggestions while typing, a page of results for everybody else."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mountify.forms.listing import read_page, read_words
from mountify.services import products
from mountify.services.products import Filters, Sort
from mountify.web.answers import page, wants_fragment

from .products import show_listing

bp = Blueprint("search", __name__)

SUGGESTIONS = 6


@bp.get("/search")
def show() -> Response:
    words = read_words(request.args.get("q", ""))
    if wants_fragment():
        found = products.suggest(words, SUGGESTIONS)
        return page("search/suggestions.stream.html", shared=True, found=found, searched=words)
    return show_listing(Filters(search=words, sort=Sort.RELEVANCE if words else Sort.NEWEST), read_page(request.args))
