"""Products as lists show them: plain values, which outlive the session they were read in and can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from mountify import db
from mountify.core.money import Money
from mountify.core.slugs import part_number
from mountify.models.catalogue import Category, Inventory, Product, ProductStatus, is_low, is_new


@dataclass(frozen=True)
class Card:
    """A published product, its stock and its category; lengths of `attributes` in millimetres."""

    id: int
    name: str
    slug: str
    price: Money
    description: str
    detailed_description: str
    image_url: str | None
    image_url_hover: str | None
    image_color: str | None
    attributes: dict[str, Any]
    low_stock_level: int
    created_at: datetime
    available: int
    category_id: int | None
    category_name: str | None
    category_slug: str | None

    @property
    def number(self) -> str:
        return part_number(self.id)

    @property
    def is_low(self) -> bool:
        return is_low(self.available, self.low_stock_level)

    def is_new(self, now: datetime) -> bool:
        return is_new(self.created_at, now)


_COLUMNS = (
    Product.id,
    Product.name,
    Product.slug,
    Product.price,
    Product.description,
    Product.detailed_description,
    Product.image_url,
    Product.image_url_hover,
    Product.image_color,
    Product.attributes,
    Product.low_stock_level,
    Product.created_at,
    Inventory.on_hand - Inventory.reserved,
    Category.id,
    Category.name,
    Category.slug,
)


def published() -> Select[*tuple[Any, ...]]:
    """Begin a question for cards; see read()."""
    cards = select(*_COLUMNS).select_from(Product).join(Product.stock).outerjoin(Product.category)
    return cards.where(Product.status == ProductStatus.PUBLISHED)


def read(question: Select[*tuple[Any, ...]]) -> Sequence[Card]:
    return [Card(*row) for row in db.session.execute(question)]


def read_counted(question: Select[*tuple[Any, ...]]) -> tuple[Sequence[Card], int]:
    """Read the cards of a question that says beside each how many there are in all."""
    rows = db.session.execute(question).all()
    return [Card(*row[:-1]) for row in rows], rows[0][-1] if rows else 0
