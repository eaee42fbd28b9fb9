"""Finding products by words: whole words in every text first, then what is spelt almost like it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, exists, func, or_, select
from sqlalchemy.dialects.postgresql import TSQUERY

from mountify import db
from mountify.models.catalogue import Product, ProductStatus


@dataclass(frozen=True)
class Match:
    """How products are found by some words: the condition, and the best first."""

    condition: ColumnElement[bool]
    best_first: tuple[ColumnElement[Any], ...]
    is_exact: bool


def match(words: str) -> Match:
    """Find by the words themselves, and by words spelt alike only where nobody has these."""
    exact = _exact(words)
    found = db.session.scalar(select(exists().where(Product.status == ProductStatus.PUBLISHED, exact.condition)))
    return exact if found else _alike(words)


def match_any(words: str) -> Match:
    """Find by any of the words, the most of them first: what comes closest where nothing has them all."""
    all_of_them = func.plainto_tsquery("english", words)
    text = cast(func.replace(cast(all_of_them, Text), "&", "|"), TSQUERY)
    return Match(
        condition=Product.search.op("@@")(text),
        best_first=(func.ts_rank(Product.search, text).desc(), Product.id.desc()),
        is_exact=False,
    )


def _exact(words: str) -> Match:
    text = func.websearch_to_tsquery("english", words)
    in_name = Product.name.icontains(words, autoescape=True)
    return Match(
        condition=or_(Product.search.op("@@")(text), in_name),
        best_first=(in_name.desc(), func.ts_rank(Product.search, text).desc(), Product.id.desc()),
        is_exact=True,
    )


def _alike(words: str) -> Match:
    """The operator uses the trigram index; how alike is enough is set with the connection (db.ALIKE).

    https://www.postgresql.org/docs/current/pgtrgm.html
    """
    return Match(
        condition=Product.name.op("%>", is_comparison=True)(words),
        best_first=(func.word_similarity(words, Product.name).desc(), Product.id.desc()),
        is_exact=False,
    )
