"""The catalogue as shoppers see it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload, selectinload

from mountify import db
from mountify.core.errors import Gone, NotFound
from mountify.core.money import Money
from mountify.core.paging import Page
from mountify.models.catalogue import Category, Inventory, Product, ProductSlug, ProductStatus
from mountify.services import cards, search
from mountify.services.cards import Card

PAGE_SIZE = 24
MOST_ADDRESSES = 45_000  # a sitemap holds 50,000: https://www.sitemaps.org/protocol.html
SHORTEST_SEARCH, LONGEST_SEARCH = 2, 64


class Sort(StrEnum):
    RELEVANCE = "relevance"  # only with words to be relevant to
    NEWEST = "newest"
    OLDEST = "oldest"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NAME = "name"


@dataclass(frozen=True)
class Filters:
    category: str = ""
    search: str = ""
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    in_stock: bool = False
    sort: Sort = Sort.NEWEST


@dataclass(frozen=True)
class Found(Page[Card]):
    """A page of products."""

    is_exact: bool = True  # False when nothing has the words and these are spelt alike


@dataclass(frozen=True)
class CategoryCount:
    id: int
    name: str
    slug: str
    description: str
    display_order: int
    count: int


@dataclass(frozen=True)
class Summary:
    """What the whole catalogue holds; prices in whole amounts, rounded away from what there is."""

    count: int = 0
    lowest: int = 0
    highest: int = 0


@dataclass(frozen=True)
class Address:
    id: int
    slug: str
    updated_at: datetime


def list_products(filters: Filters, page: int = 1, size: int = PAGE_SIZE) -> Found:
    """List published products, a page at a time."""
    conditions, order = _conditions(filters), _order(filters.sort)
    found = search.match(filters.search) if filters.search else None
    if found is not None:
        conditions.append(found.condition)
        order = found.best_first if filters.sort is Sort.RELEVANCE else order
    matching = cards.published().where(*conditions)
    counted = matching.add_columns(func.count().over()).order_by(*order)
    products, total = cards.read_counted(counted.limit(size).offset((page - 1) * size))
    if not products and page > 1:
        total = db.session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    return Found(products, total, page, size, is_exact=found is None or found.is_exact)


def list_closest(words: str, count: int = 4) -> Sequence[Card]:
    """List what comes closest to a search that found nothing: by any of its words, whatever else narrowed it."""
    found = search.match_any(words)
    return cards.read(cards.published().where(found.condition).order_by(*found.best_first).limit(count))


def suggest(words: str, limit: int) -> Found:
    """Suggest products for 2 to 64 characters, the best first; nothing for fewer or more."""
    words = " ".join(words.split())
    if not SHORTEST_SEARCH <= len(words) <= LONGEST_SEARCH:
        return Found([], 0, 1, limit)
    return list_products(Filters(search=words, sort=Sort.RELEVANCE), size=limit)


def list_new(count: int = 4) -> Sequence[Card]:
    """List the newest products that can be had."""
    in_stock = cards.published().where(Inventory.on_hand > Inventory.reserved)
    return cards.read(in_stock.order_by(*_order(Sort.NEWEST)).limit(count))


def list_related(product: Product, count: int = 4) -> Sequence[Card]:
    """List products of the same category first, then the newest of the others."""
    same = (Product.category_id == product.category_id).desc().nulls_last()
    others = cards.published().where(Product.id != product.id)
    return cards.read(others.order_by(same, *_order(Sort.NEWEST)).limit(count))


def get_product(product_id: int) -> Product:
    """Get a published product with pictures and stock. Raises NotFound for a draft, Gone for an archived one."""
    product = get_whole(product_id)
    if product.status is ProductStatus.DRAFT:
        raise NotFound
    if product.status is ProductStatus.ARCHIVED:
        raise Gone
    return product


def get_whole(product_id: int) -> Product:
    """Get a product with pictures and stock, whatever its status: for the desk alone. Raises NotFound."""
    product = db.session.scalars(
        select(Product)
        .where(Product.id == product_id)
        .options(joinedload(Product.stock), joinedload(Product.category), selectinload(Product.images))
        .execution_options(populate_existing=True)
    ).one_or_none()
    if product is None:
        raise NotFound
    return product


def get_by_slug(slug: str) -> Product:
    """Get a published product by the slug it has or had. Raises NotFound or Gone."""
    if not slug.isprintable():
        raise NotFound
    product_id = db.session.scalar(
        select(Product.id)
        .where(Product.slug == slug)
        .union_all(select(ProductSlug.product_id).where(ProductSlug.slug == slug))
        .limit(1)
    )
    if product_id is None:
        raise NotFound
    return get_product(product_id)


def list_addresses() -> Sequence[Address]:
    """List what a page's address is made of, for every published product; as many as a sitemap may hold."""
    rows = db.session.execute(
        select(Product.id, Product.slug, Product.updated_at)
        .where(Product.status == ProductStatus.PUBLISHED)
        .order_by(Product.id)
        .limit(MOST_ADDRESSES)
    )
    return [Address(*row) for row in rows]


def list_stock(product_ids: Collection[int]) -> dict[int, int]:
    """Say how many of each published product can be had; others are left out."""
    rows = db.session.execute(
        select(Product.id, Inventory.on_hand - Inventory.reserved)
        .join(Product.stock)
        .where(Product.id.in_(product_ids), Product.status == ProductStatus.PUBLISHED)
        .order_by(Product.id)
    )
    return {row[0]: row[1] for row in rows}


def list_categories() -> list[CategoryCount]:
    """List the categories in their order, with the number of published products in each."""
    return count_in_categories(Product.status == ProductStatus.PUBLISHED)


def count_in_categories(*which: ColumnElement[bool]) -> list[CategoryCount]:
    """List the categories in their order, with the number of such products in each."""
    count = select(func.count()).where(Product.category_id == Category.id, *which)
    rows = db.session.execute(
        select(
            Category.id,
            Category.name,
            Category.slug,
            Category.description,
            Category.display_order,
            count.scalar_subquery(),
        ).order_by(Category.display_order, Category.name)
    )
    return [CategoryCount(*row) for row in rows]


def summarize() -> Summary:
    """Count what can be seen, in a category or in none, and find between which prices it lies."""
    count, lowest, highest = db.session.execute(
        select(func.count(), func.min(Product.price), func.max(Product.price)).where(
            Product.status == ProductStatus.PUBLISHED
        )
    ).one()
    return Summary(count, math.floor(lowest.amount), math.ceil(highest.amount)) if count else Summary()


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if filters.category:
        conditions.append(Category.slug == filters.category)
    if filters.min_price is not None:
        conditions.append(Product.price >= Money(filters.min_price))
    if filters.max_price is not None:
        conditions.append(Product.price <= Money(filters.max_price))
    if filters.in_stock:
        conditions.append(Inventory.on_hand > Inventory.reserved)
    return conditions


def _order(sort: Sort) -> tuple[Any, ...]:
    return {
        Sort.RELEVANCE: (Product.created_at.desc(), Product.id.desc()),
        Sort.NEWEST: (Product.created_at.desc(), Product.id.desc()),
        Sort.OLDEST: (Product.created_at.asc(), Product.id.asc()),
        Sort.PRICE_ASC: (Product.price.asc(), Product.id.asc()),
        Sort.PRICE_DESC: (Product.price.desc(), Product.id.desc()),
        Sort.NAME: (func.lower(Product.name).asc(), Product.id.asc()),
    }[sort]
