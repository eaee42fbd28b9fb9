"""The table of products at the desk: what of it is shown, and one row that is changed in place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select, union_all

from mountify import db
from mountify.core.errors import N_, NotFound
from mountify.core.errors.catalogue import ChangedMeanwhile
from mountify.core.fingerprint import fingerprint
from mountify.core.money import Money
from mountify.core.paging import Page
from mountify.core.slugs import part_number
from mountify.models.catalogue import Category, Inventory, Product, ProductStatus, is_low
from mountify.services import product_changes
from mountify.services.audit_log import Actor
from mountify.transaction import retried_once, transaction

PAGE_SIZE = 50
NO_CATEGORY = 0  # as a filter: the parts that are in none
_NUMBER = re.compile(r"(?:m-)?0*([0-9]{1,18})", re.IGNORECASE)


class Column(StrEnum):
    """What the table can be sorted by."""

    PART = "part"
    NAME = "name"
    CATEGORY = "category"
    PRICE = "price"
    STOCK = "stock"


@dataclass(frozen=True)
class Filters:
    """What is shown: the newest part first unless told otherwise."""

    search: str = ""
    category: int | None = None
    status: ProductStatus | None = None
    sort: Column = Column.PART
    is_descending: bool = True


@dataclass(frozen=True)
class Row:
    """A product as the table shows it."""

    id: int
    name: str
    slug: str
    price: Money
    status: ProductStatus
    image_url: str | None
    category_id: int | None
    category_name: str | None
    available: int
    low_stock_level: int

    @property
    def number(self) -> str:
        return part_number(self.id)

    @property
    def is_low(self) -> bool:
        return is_low(self.available, self.low_stock_level)

    @property
    def seen(self) -> str:
        """Stands for what can be changed in the row, so that a form can say what it was drawn from."""
        return fingerprint(self.name, self.price, self.category_id, self.status)


def list_rows(filters: Filters, page: int, *, also: int | None = None) -> Page[Row]:
    """List a page of the table; before it the product `also` when it is not on the page."""
    found = list_ids(filters, page)
    ids = found.items if also is None or also in found.items else [also, *found.items]
    return Page(_read(ids), found.total, found.number, found.size)


def get_row(product_id: int) -> Row:
    """Get one of them. Raises NotFound."""
    for row in _read([product_id]):
        return row
    raise NotFound(N_("There is no such product."))


def list_ids(filters: Filters, page: int, size: int = PAGE_SIZE) -> Page[int]:
    """List which products are on a page of the table; their rows are looked up by these."""
    conditions, offset = _conditions(filters), (page - 1) * size
    if filters.sort is Column.CATEGORY:
        return Page(*_by_category(conditions, offset, size, is_descending=filters.is_descending), page, size)
    question = select(Product.id).where(*conditions)
    if filters.sort is Column.STOCK:
        question = question.join(Product.stock)
    ids = db.session.scalars(question.order_by(*_order(filters)).offset(offset).limit(size)).all()
    total = db.session.scalar(select(func.count()).select_from(Product).where(*conditions)) or 0
    return Page(ids, total, page, size)


@retried_once
def save(by: Actor, product_id: int, values: Mapping[str, object], *, seen: str, currency: str, now: datetime) -> None:
    """Change a row from what somebody has seen in it to `values`.

    Raises ChangedMeanwhile when it is not what was seen any more, and what product_changes.change() raises.
    """
    with transaction() as session:
        product_changes.hold_category(session, values.get("category_id"))
        product = product_changes.lock(session, product_id)
        if seen != fingerprint(product.name, product.price, product.category_id, product.status):
            raise ChangedMeanwhile
        product_changes.change_in(session, by, product, values, currency=currency, now=now)


def _read(ids: Sequence[int]) -> Sequence[Row]:
    question: Select[*tuple[Any, ...]] = (
        select(
            Product.id,
            Product.name,
            Product.slug,
            Product.price,
            Product.status,
            Product.image_url,
            Category.id,
            Category.name,
            Inventory.on_hand - Inventory.reserved,
            Product.low_stock_level,
        )
        .select_from(Product)
        .join(Product.stock)
        .outerjoin(Product.category)
        .where(Product.id.in_(ids))
    )
    rows = {row.id: row for row in (Row(*row) for row in db.session.execute(question))}
    return [rows[product_id] for product_id in ids if product_id in rows]


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.search:
        conditions.append(matches(filters.search))
    if filters.category is not None:
        conditions.append(Product.category_id == (filters.category or None))
    if filters.status is not None:
        conditions.append(Product.status == filters.status)
    return conditions


def matches(words: str) -> ColumnElement[bool]:
    """Every word is in the name, or they are a part's number."""
    named = [_is_in_name(word) for word in words.split() if any(map(str.isalnum, word))]
    found = and_(*named) if named else false()
    number = _NUMBER.fullmatch(words)
    return or_(Product.id == int(number[1]), found) if number else found


def _is_in_name(word: str) -> ColumnElement[bool]:
    """The trigram index knows three letters in a row anywhere, and fewer where a word begins.

    https://www.postgresql.org/docs/current/pgtrgm.html
    """
    if re.search(r"[^\W_]{3}", word):
        return Product.name.icontains(word, autoescape=True)
    return or_(Product.name.istartswith(word, autoescape=True), Product.name.icontains(f" {word}", autoescape=True))


def _order(filters: Filters) -> list[ColumnElement[Any]]:
    columns: dict[Column, list[ColumnElement[Any]]] = {
        Column.PART: [Product.id.expression],
        Column.NAME: [func.lower(Product.name), Product.id.expression],
        Column.PRICE: [Product.price.expression, Product.id.expression],
        Column.STOCK: [Inventory.on_hand - Inventory.reserved, Inventory.sku_id.expression],
    }
    return [column.desc() if filters.is_descending else column.asc() for column in columns[filters.sort]]


def _by_category(
    conditions: Sequence[ColumnElement[bool]], offset: int, size: int, *, is_descending: bool
) -> tuple[list[int], int]:
    """Find a page of what is sorted by the names of categories, and how much there is.

    The counts say in which categories the page lies, so that only what is on it is read, in the order of an index.
    """
    inside = select(func.count()).select_from(Product).where(*conditions)
    of_each = inside.where(Product.category_id == Category.id).scalar_subquery()
    groups = [(row[0], row[1]) for row in db.session.execute(select(Category.id, of_each).order_by(Category.name))]
    groups.append((None, db.session.scalar(inside.where(Product.category_id.is_(None))) or 0))
    total = sum(count for _group, count in groups)
    pieces, skip, left = [], offset, size
    for rank, (group, count) in enumerate(reversed(groups) if is_descending else groups):
        if skip < count and left:
            these = select(literal(rank), Product.id).where(*conditions, Product.category_id == group)
            pieces.append(these.order_by(Product.status, Product.id).offset(skip).limit(left).subquery())
            left -= min(left, count - skip)
        skip = max(0, skip - count)
    if not pieces:
        return [], total
    rows = db.session.execute(union_all(*(select(piece) for piece in pieces))).all()
    return [row[1] for row in sorted(rows, key=lambda row: row[0])], total
