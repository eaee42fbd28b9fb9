"""What is sold, how it looks, and how much of it there is."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mountify.core.money import Money
from mountify.core.slugs import part_number
from mountify.models.base import Base, CiText, Created, Id, Updated, words

NEW_FOR_DAYS = 14
_COLOR = "{} ~ '^#[0-9a-f]{{6}}$'"


class ProductStatus(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Category(Base):
    __tablename__ = "categories"

    id: Mapped[Id]
    name: Mapped[CiText] = mapped_column(unique=True)
    slug: Mapped[CiText] = mapped_column(unique=True)
    description: Mapped[str] = mapped_column(Text, server_default="")
    display_order: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[Created]


class Product(Base):
    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("price >= 0", name="price"),
        CheckConstraint("low_stock_level >= 0", name="low_stock_level"),
        CheckConstraint(_COLOR.format("image_color"), name="image_color"),
        Index("ix_products_search", "search", postgresql_using="gin"),
        Index("ix_products_name_trgm", "name", postgresql_using="gin", postgresql_ops={"name": "gin_trgm_ops"}),
        Index("ix_products_kept", "name", "id", postgresql_where=text("status <> 'archived'")),
        Index("ix_products_published", "created_at", "id", postgresql_where=text("status = 'published'")),
        Index("ix_products_lower_name", text("lower(name)"), "id"),
        Index("ix_products_price", "price", "id"),
        Index("ix_products_status", "status", "id"),
        Index("ix_products_category_id", "category_id", "status", "id"),
        Index("ix_products_image_public_id", "image_public_id"),
        Index("ix_products_image_hover_public_id", "image_hover_public_id"),
    )

    id: Mapped[Id]
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(200))
    slug: Mapped[str] = mapped_column(String(200), unique=True)
    price: Mapped[Money]
    description: Mapped[str] = mapped_column(Text, server_default="")
    detailed_description: Mapped[str] = mapped_column(Text, server_default="")
    image_url: Mapped[str | None] = mapped_column(Text)
    image_url_hover: Mapped[str | None] = mapped_column(Text)
    image_public_id: Mapped[str | None] = mapped_column(Text)
    image_hover_public_id: Mapped[str | None] = mapped_column(Text)
    image_color: Mapped[str | None] = mapped_column(String(7))
    status: Mapped[ProductStatus] = mapped_column(words(ProductStatus, "status"), server_default="published")
    attributes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    low_stock_level: Mapped[int] = mapped_column(Integer, server_default="4", index=True)
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed(
            "setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('english', description), 'B')"
            " || setweight(to_tsvector('english', detailed_description), 'C')",
            persisted=True,
        ),
        deferred=True,
    )
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]

    category: Mapped[Category | None] = relationship(lazy="raise_on_sql")
    images: Mapped[list[ProductImage]] = relationship(
        lazy="raise_on_sql", order_by="ProductImage.display_order, ProductImage.id", cascade="all, delete-orphan"
    )
    stock: Mapped[Inventory] = relationship(lazy="raise_on_sql", back_populates="product")

    @property
    def is_published(self) -> bool:
        return self.status is ProductStatus.PUBLISHED

    @property
    def number(self) -> str:
        return part_number(self.id)

    @property
    def available(self) -> int:
        return self.stock.available

    @property
    def is_low(self) -> bool:
        return is_low(self.available, self.low_stock_level)

    def is_new(self, now: datetime) -> bool:
        return is_new(self.created_at, now)

    def take_cover(self) -> None:
        """Show the first two of its pictures wherever there is room for one."""
        cover, hover = (*self.images, None, None)[:2]
        self.image_url, self.image_public_id = (cover.image_url, cover.cloudinary_public_id) if cover else (None, None)
        self.image_url_hover, self.image_hover_public_id = (
            (hover.image_url, hover.cloudinary_public_id) if hover else (None, None)
        )
        self.image_color = cover.color if cover else None


def is_low(available: int, low_stock_level: int) -> bool:
    return 0 < available <= low_stock_level


def is_new(created_at: datetime, now: datetime) -> bool:
    return (now - created_at).days < NEW_FOR_DAYS


class ProductSlug(Base):
    """Slugs a product had before; they redirect."""

    __tablename__ = "product_slugs"

    slug: Mapped[str] = mapped_column(String(200), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)


class ProductImage(Base):
    __tablename__ = "product_images"
    __table_args__ = (
        Index("uq_product_images_primary", "product_id", unique=True, postgresql_where=text("is_primary")),
        CheckConstraint(_COLOR.format("color"), name="color"),
    )

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    image_url: Mapped[str] = mapped_column(Text)
    cloudinary_public_id: Mapped[str | None] = mapped_column(Text, index=True)
    display_order: Mapped[int] = mapped_column(Integer, server_default="0")
    is_primary: Mapped[bool] = mapped_column(server_default=text("false"))
    alt: Mapped[str] = mapped_column(Text, server_default="")
    width: Mapped[int | None] = mapped_column(Integer)
    height: Mapped[int | None] = mapped_column(Integer)
    color: Mapped[str | None] = mapped_column(String(7))
    created_at: Mapped[Created]

    @property
    def ratio(self) -> float:
        """Height by width; 5 : 4 where nobody has measured."""
        return self.height / self.width if self.height and self.width else 1.25


class Inventory(Base):
    __tablename__ = "inventory"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("reserved >= 0", name="reserved"),
        CheckConstraint("reserved <= on_hand", name="reserved_within_on_hand"),
        Index("ix_inventory_available", text("(on_hand - reserved)"), "sku_id"),
    )

    sku_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    on_hand: Mapped[int] = mapped_column(Integer, server_default="0")
    reserved: Mapped[int] = mapped_column(Integer, server_default="0")
    updated_at: Mapped[Updated]

    product: Mapped[Product] = relationship(lazy="raise_on_sql", back_populates="stock")

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


class StockMovement(Base):
    """The ledger of on_hand: one row for each change, never changed itself. A reservation is no movement."""

    __tablename__ = "stock_movements"
    __table_args__ = (
        CheckConstraint("delta <> 0", name="delta"),
        Index(
            "uq_stock_movements_sale",
            "order_id",
            "product_id",
            unique=True,
            postgresql_where=text("reason = 'sale'"),
        ),
    )

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="RESTRICT"), index=True)
    delta: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(String(20))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="RESTRICT"), index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    note: Mapped[str] = mapped_column(Text, server_default="")
    key: Mapped[str | None] = mapped_column(String(43), unique=True)  # of the form: sent twice, it is one movement
    created_at: Mapped[Created]


class PriceChange(Base):
    """Prices that were changed together, so that they can be put back together; who did it is in the audit log.

    `key` is the form's that asked for it: the same form sent twice is one change.
    """

    __tablename__ = "price_changes"

    id: Mapped[Id]
    key: Mapped[str | None] = mapped_column(String(43), unique=True)
    created_at: Mapped[Created]
    undone_at: Mapped[datetime | None]

    lines: Mapped[list[PriceChangeLine]] = relationship(
        lazy="raise_on_sql", order_by="PriceChangeLine.product_id", cascade="all"
    )


class PriceChangeLine(Base):
    """What one of them was, and what it became."""

    __tablename__ = "price_change_lines"

    change_id: Mapped[int] = mapped_column(ForeignKey("price_changes.id", ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True, index=True)
    old: Mapped[Money]
    new: Mapped[Money]
