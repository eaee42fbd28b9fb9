"""Reads a listing's address. Nonsense is left out: an address that cannot be read still shows the shop."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from werkzeug.datastructures import MultiDict

from mountify.core.money import CENT, MAXIMUM
from mountify.services.products import Filters, Sort

LONGEST = 80
LAST_PAGE = 10_000


def read_filters(query: MultiDict[str, str]) -> Filters:
    low, high = _price(query.get("min_price", "")), _price(query.get("max_price", ""))
    if low is not None and high is not None and low > high:
        low, high = high, low
    words, sort = read_words(query.get("search", "")), query.get("sort", "")
    category = read_words(query.get("category", ""))
    return Filters(
        category="" if category == "all" else category,
        search=words,
        min_price=low,
        max_price=high,
        in_stock=query.get("in_stock") == "1",
        sort=_read_sort(sort, words),
    )


def read_page(query: MultiDict[str, str]) -> int:
    text = query.get("page", "1")
    return min(LAST_PAGE, max(1, int(text))) if text.isascii() and text.isdigit() and len(text) < 10 else 1


def to_query(filters: Filters, page: int = 1) -> dict[str, str]:
    """Write filters as the shortest query that reads as them."""
    query = {
        "category": filters.category,
        "search": filters.search,
        "min_price": _plain(filters.min_price),
        "max_price": _plain(filters.max_price),
        "in_stock": "1" if filters.in_stock else "",
        "sort": "" if filters.sort is _usual(filters.search) else filters.sort.value,
        "page": str(page) if page > 1 else "",
    }
    return {name: value for name, value in query.items() if value}


def read_words(text: str) -> str:
    """Fold white space, leave out what is no letter of a search, and cut at 80 characters."""
    clean = "".join(" " if ord(c) < 32 or 0xD800 <= ord(c) <= 0xDFFF else c for c in text[:1000])
    return " ".join(clean.split())[:LONGEST]


def _read_sort(text: str, words: str) -> Sort:
    known = set(Sort) if words else set(Sort) - {Sort.RELEVANCE}
    return Sort(text) if text in known else _usual(words)


def _usual(words: str) -> Sort:
    return Sort.RELEVANCE if words else Sort.NEWEST


def _price(text: str) -> Decimal | None:
    try:
        price = Decimal(text.strip()[:20]).quantize(CENT)
    except (InvalidOperation, ValueError):
        return None
    return price if price.is_finite() and 0 <= price <= MAXIMUM else None


def _plain(price: Decimal | None) -> str:
    return "" if price is None else f"{price.normalize():f}"
