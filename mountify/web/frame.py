"""What frames every page, whoever reads it: the settings, the categories, the catalogue in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import g

from mountify.services import products
from mountify.services.products import CategoryCount, Summary
from mountify.services.settings import Shop, get_shop
from mountify.web.page_cache import remembered


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
        g.frame = remembered("frame", _read)
    return cast(Frame, g.frame)


def _read() -> Frame:
    return Frame(get_shop(), tuple(products.list_categories()), products.summarize())
