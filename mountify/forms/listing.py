"""Reads a listing's address. Nonsense is left out: an address that cannot be read still shows the shop."""

from __future__ import annotations

import re
from decimal import Decimal

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from mountify.core.errors import InvalidInput
from mountify.core.money import MAXIMUM
from mountify.core.texts import read_whole, without_control_characters
from mountify.services.products import Filters, Sort
from mountify.web.frame import frame

LONGEST = 80
LAST_PAGE = 10_000
MOST_A_PAGE, USUAL_A_PAGE = 50, 12  # of the API
_PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")


def read_filters(query: MultiDict[str, str]) -> Filters:
    low, high = _price(query.get("min_price", "")), _price(query.get("max_price", ""))
    if low is not None and high is not None and low > high:
        low, high = high, low
    words, sort = read_words(query.get("search", "")), query.get("sort", "")
    return Filters(
        category=_read_category(query.get("category", "")),
        search=words,
        min_price=low,
        max_price=high,
        in_stock=query.get("in_stock") == "1",
        sort=_read_sort(sort, words),
    )


def check(query: MultiDict[str, str]) -> None:
    """Refuse what a page would leave out: a program is better told. Raises InvalidInput with the fields."""
    wrong: dict[str, list[str]] = {}
    for name in ("min_price", "max_price"):
        if query.get(name) and _price(query[name]) is None:
            wrong[name] = [_("Enter an amount such as 14.00.")]
    if query.get("sort") and query["sort"] not in set(Sort) - {Sort.RELEVANCE}:
        wrong["sort"] = [_("Choose newest, oldest, price_asc, price_desc or name.")]
    for name, most in (("page", LAST_PAGE), ("limit", MOST_A_PAGE)):
        if query.get(name) and read_number(query[name], most) is None:
            wrong[name] = [_("Enter a whole number between 1 and %(most)s.", most=most)]
    if wrong:
        raise invalid_fields(wrong)


def read_number(text: str, most: int) -> int | None:
    """Read a whole number from 1 to `most` in plain digits, None for anything else."""
    number = read_whole(text)
    return number if number is not None and 1 <= number <= most else None


def invalid_fields(wrong: dict[str, list[str]]) -> InvalidInput:
    error = InvalidInput(next(iter(wrong.values()))[0])
    error.facts = {"fields": wrong}
    return error


def read_page(query: MultiDict[str, str]) -> int:
    return min(LAST_PAGE, max(1, read_whole(query.get("page", "")) or 1))


def name_of(filters: Filters, page: int) -> str | None:
    """Name a page of a listing by what it shows, for keeping it.

    None when it must not be kept: words, prices and names of no category are as many as people think of.
    """
    if filters.search or filters.min_price is not None or filters.max_price is not None:
        return None
    if filters.category and frame().category(filters.category) is None:
        return None
    return f"{filters.category}:{filters.sort}:{filters.in_stock:d}:{page}"


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
    return " ".join(without_control_characters(text[:1000]).split())[:LONGEST]


def _read_category(text: str) -> str:
    """Spell a category as its merchant does; what is none stays as it was typed, and nothing is in it."""
    typed = read_words(text)
    if typed in ("", "all"):
        return ""
    known = frame().category(typed)
    return known.slug if known else typed


def _read_sort(text: str, words: str) -> Sort:
    known = set(Sort) if words else set(Sort) - {Sort.RELEVANCE}
    return Sort(text) if text in known else _usual(words)


def _usual(words: str) -> Sort:
    return Sort.RELEVANCE if words else Sort.NEWEST


def _price(text: str) -> Decimal | None:
    if not _PRICE.fullmatch(text.strip()):
        return None
    price = Decimal(text.strip())
    return price if price <= MAXIMUM else None


def _plain(price: Decimal | None) -> str:
    return "" if price is None else f"{price.normalize():f}"
