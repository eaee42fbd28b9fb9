"""A cart belongs to an account or to whoever holds its token, never to both."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from mountify.core.money import Money
from mountify.models.base import Base, Created, Id, Updated
from mountify.models.catalogue import Product

MOST_PRODUCTS = 100
MOST_OF_ONE = 1000


class Cart(Base):
    __tablename__ = "carts"
    __table_args__ = (CheckConstraint("num_nonnulls(user_id, token_hash) = 1", name="one_owner"),)

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]

    @staticmethod
    def key_of(user_id: int | None, token_hash: str | None) -> str:
        """The name of a cart for whoever remembers something about it."""
        return f"u{user_id}" if user_id else token_hash or ""

    @property
    def key(self) -> str:
        return self.key_of(self.user_id, self.token_hash)

    items: Mapped[list[CartItem]] = relationship(
        lazy="raise_on_sql", order_by="CartItem.id", cascade="all, delete-orphan", passive_deletes=True
    )


class CartItem(Base):
    __tablename__ = "cart_items"
    __table_args__ = (
        UniqueConstraint("cart_id", "product_id"),
        CheckConstraint(f"quantity BETWEEN 1 AND {MOST_OF_ONE}", name="quantity"),
    )

    id: Mapped[Id]
    cart_id: Mapped[int] = mapped_column(ForeignKey("carts.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), index=True)
    quantity: Mapped[int] = mapped_column(Integer)
    price_seen: Mapped[Money]
    added: Mapped[int | None] = mapped_column(Integer)  # the last time something was added: how much, and when
    added_at: Mapped[datetime | None]
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]

    product: Mapped[Product] = relationship(lazy="raise_on_sql")

    def was_added_within(self, span: timedelta, now: datetime) -> bool:
        return self.added_at is not None and abs(now - self.added_at) < span
