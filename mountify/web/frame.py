"""What frames every page, whoever reads it: the settings, the categories, the catalogue in numbers.

A reader with a cart or an account gets pages of their own, but this need not be read for each of them: it is kept in
the process, with the version from before it was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app, g

from mountify.services import products
from mountify.services.products import CategoryCount, Summary
from mountify.services.settings import Shop, get_shop
from mountify.web.page_cache import version


@dataclass(frozen=True)
class Frame:
    shop: Shop
    categories: tuple[CategoryCount, ...]
    summary: Summary

    def category(self, slug: str) -> CategoryCount | None:
        """Find a category by its slug, in whichever case that was typed."""
        return next((known for known in self.categories if known.slug.lower() == slug.lower()), None)


def frame() -> Frame:
    """Give the frame, looked up once a request."""
    if "frame" not in g:
        g.frame = _find()
    return cast(Frame, g.frame)


def _find() -> Frame:
    now = version()
    made_at, kept = current_app.extensions.get("frame", (None, None))
    if now is not None and made_at == now:
        return cast(Frame, kept)
    made = Frame(get_shop(), tuple(products.list_categories()), products.summarize())
    if now is not None:
        current_app.extensions["frame"] = (now, made)
    return made
