"""An order, its lines as of that day, and its timeline. Only the methods here change a status."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint, literal_column, text
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column, relationship

from mountify.core.carriers import Parcel, parcel_of
from mountify.core.errors.orders import WrongTransition
from mountify.core.money import Money
from mountify.core.order_status import OrderStatus, may_follow
from mountify.core.payment_session import Delivery
from mountify.core.slugs import part_number
from mountify.models.base import Base, CiText, Created, Id, Updated, words
from mountify.models.catalogue import Product

# Who has placed an order of a closed account. https://www.rfc-editor.org/rfc/rfc2606#section-2
NOBODY = "closed@account.invalid"
# Asked for in these words, because an index holds these orders alone.
TO_SHIP = "status = 'paid'"
SENT = "status IN ('shipped', 'delivered')"
CORRECTED = "tracking_corrected"


class OrderSource(StrEnum):
    CHECKOUT = "checkout"
    DEMO = "demo"
    IMPORT = "import"
    MANUAL = "manual"


class Order(Base):
    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("total = subtotal + shipping_total + tax_total - discount_total", name="total"),
        CheckConstraint("least(subtotal, shipping_total, discount_total, tax_total, total) >= 0", name="amounts"),
        CheckConstraint("refunded_total BETWEEN 0 AND total", name="refunded_total"),
        CheckConstraint("status NOT IN ('paid', 'shipped', 'delivered') OR stock_sold", name="sold_when_paid"),
        CheckConstraint("NOT (stock_sold AND inventory_reserved)", name="sold_or_reserved"),
        CheckConstraint("NOT inventory_reserved OR status = 'pending'", name="reserved_while_pending"),
        CheckConstraint("status <> 'paid' OR paid_at IS NOT NULL", name="paid_at"),
        Index("uq_orders_pending_cart", "cart_id", unique=True, postgresql_where=text("status = 'pending'")),
        Index("ix_orders_held", "reserved_until", postgresql_where=text("inventory_reserved")),
        Index("ix_orders_created_at", "created_at", "id"),
        Index("ix_orders_status", "status"),  # the narrow one is for counting
        Index("ix_orders_status_created_at", "status", "created_at", "id"),
        Index(
            "ix_orders_words",
            literal_column("((email)::text)").label("email_words"),
            "shipping_name",
            "tracking_number",
            postgresql_using="gin",
            postgresql_ops=dict.fromkeys(("email_words", "shipping_name", "tracking_number"), "gin_trgm_ops"),
        ),
        Index("ix_orders_user_id_id", "user_id", "id"),
        Index("ix_orders_paid_at", "paid_at"),
        Index("ix_orders_to_ship", "paid_at", "id", postgresql_where=text(TO_SHIP)),
        Index("ix_orders_sent", "status", "shipped_at", "id", postgresql_where=text(SENT)),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(
        String(20), unique=True, server_default=text("(nextval('order_numbers'::regclass))::text")
    )
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    email: Mapped[CiText] = mapped_column(index=True)
    currency: Mapped[str] = mapped_column(String(3))
    subtotal: Mapped[Money]
    shipping_total: Mapped[Money]
    discount_total: Mapped[Money] = mapped_column(server_default="0")
    tax_total: Mapped[Money] = mapped_column(server_default="0")
    total: Mapped[Money]
    refunded_total: Mapped[Money] = mapped_column(server_default="0")
    status: Mapped[OrderStatus] = mapped_column(words(OrderStatus, "status"), server_default="pending")
    source: Mapped[OrderSource] = mapped_column(words(OrderSource, "source"), server_default="checkout")
    stripe_session_id: Mapped[str | None] = mapped_column(Text, index=True)
    paid_session: Mapped[str | None] = mapped_column(Text, unique=True)
    checkout_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    cart_id: Mapped[int | None] = mapped_column(ForeignKey("carts.id", ondelete="SET NULL"))
    cart_fingerprint: Mapped[str | None] = mapped_column(String(64))
    inventory_reserved: Mapped[bool] = mapped_column(server_default=text("false"))
    stock_sold: Mapped[bool] = mapped_column(server_default=text("false"))
    reserved_until: Mapped[datetime | None]
    shipping_name: Mapped[str | None] = mapped_column(Text)
    shipping_phone: Mapped[str | None] = mapped_column(Text)
    shipping_address: Mapped[dict[str, Any] | None]
    tracking_number: Mapped[str | None] = mapped_column(Text, index=True)
    carrier: Mapped[str | None] = mapped_column(Text)
    shipped_at: Mapped[datetime | None]
    tracking_details: Mapped[dict[str, Any] | None]
    tracking_last_sync: Mapped[datetime | None]
    paid_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(Text, server_default="")
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]

    items: Mapped[list[OrderItem]] = relationship(
        lazy="raise_on_sql", order_by="OrderItem.id", cascade="all, delete-orphan", passive_deletes=True
    )
    events: WriteOnlyMapped[OrderEvent] = relationship(
        order_by="OrderEvent.created_at.desc(), OrderEvent.id.desc()", passive_deletes=True
    )

    @property
    def is_pending(self) -> bool:
        return self.status is OrderStatus.PENDING

    @property
    def is_cancelled(self) -> bool:
        return self.status is OrderStatus.CANCELLED

    @property
    def is_paid(self) -> bool:
        """Paid and not given back: also when it is on its way or there."""
        return self.status in (OrderStatus.PAID, OrderStatus.SHIPPED, OrderStatus.DELIVERED)

    @property
    def needs_its_buyer(self) -> bool:
        """It waits for its payment or for its parcel."""
        return self.status in (OrderStatus.PENDING, OrderStatus.PAID)

    @property
    def is_to_ship(self) -> bool:
        return self.status is OrderStatus.PAID

    @property
    def is_sent(self) -> bool:
        return self.status in (OrderStatus.SHIPPED, OrderStatus.DELIVERED)

    @property
    def parcel(self) -> Parcel | None:
        """What carries it, once that is known."""
        return parcel_of(self.carrier, self.tracking_number) if self.carrier and self.tracking_number else None

    @property
    def first_name(self) -> str:
        """What to call the buyer; empty when nothing is known."""
        return next(iter((self.shipping_name or "").split()), "")

    @property
    def count(self) -> int:
        return sum(item.quantity for item in self.items)

    def is_held_at(self, now: datetime) -> bool:
        return self.inventory_reserved and self.reserved_until is not None and self.reserved_until > now

    def deliver_to(self, delivery: Delivery) -> None:
        self.shipping_name, self.shipping_phone = delivery.name, delivery.phone
        self.shipping_address = dict(delivery.address)

    def mark_paid(self, session_id: str | None, *, now: datetime) -> None:
        """Raises WrongTransition when the order cannot be paid any more."""
        self._become(OrderStatus.PAID)
        self.paid_session = session_id
        self.paid_at = now
        self.inventory_reserved = False
        self.stock_sold = True
        self.record("paid", now=now)

    def mark_shipped(self, carrier: str, tracking_number: str, *, now: datetime, actor_id: int | None = None) -> None:
        self._become(OrderStatus.SHIPPED)
        self.carrier, self.tracking_number, self.shipped_at = carrier, tracking_number, now
        self.record("shipped", now=now, actor_id=actor_id, carrier=carrier, number=tracking_number)

    def correct_shipment(self, carrier: str, tracking_number: str, *, now: datetime, actor_id: int | None) -> None:
        """What was known of the wrong number is not true of this one."""
        self.carrier, self.tracking_number = carrier, tracking_number
        self.tracking_details = self.tracking_last_sync = None
        self.record(CORRECTED, now=now, actor_id=actor_id, carrier=carrier, number=tracking_number)

    def mark_delivered(self, *, actor_id: int | None = None, now: datetime) -> None:
        self._become(OrderStatus.DELIVERED)
        self.record("delivered", now=now, actor_id=actor_id)

    def mark_expired(self, *, now: datetime) -> None:
        self._become(OrderStatus.EXPIRED)
        self.inventory_reserved = False
        self.record("expired", now=now)

    def mark_cancelled(self, reason: str, *, now: datetime) -> None:
        self._become(OrderStatus.CANCELLED)
        self.inventory_reserved = False
        self.cancelled_at = now
        self.record("cancelled", now=now, reason=reason)

    def mark_refunded(self, *, now: datetime) -> None:
        """All of it has gone back to its buyer."""
        self._become(OrderStatus.REFUNDED)
        self.record("refunded", now=now)

    def record(self, kind: str, *, now: datetime, actor_id: int | None = None, **data: object) -> None:
        """Add a row to the timeline."""
        self.events.add(OrderEvent(kind=kind, data=data, actor_id=actor_id, created_at=now))

    def _become(self, wanted: OrderStatus) -> None:
        if not may_follow(self.status, wanted):
            raise WrongTransition(current=self.status.value, wanted=wanted.value)
        self.status = wanted


class OrderItem(Base):
    __tablename__ = "order_items"
    __table_args__ = (
        UniqueConstraint("order_id", "product_id"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("price >= 0", name="price"),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="RESTRICT"), index=True)
    quantity: Mapped[int] = mapped_column(Integer)
    price: Mapped[Money]
    name: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(Text)
    image_url: Mapped[str | None] = mapped_column(Text)
    image_public_id: Mapped[str | None] = mapped_column(Text, index=True)

    @classmethod
    def of(cls, product: Product, quantity: int, price: Money) -> OrderItem:
        """What is bought, as it is today: the product may change tomorrow."""
        return cls(
            product_id=product.id,
            quantity=quantity,
            price=price,
            name=product.name,
            slug=product.slug,
            image_url=product.image_url,
            image_public_id=product.image_public_id,
        )

    @property
    def total(self) -> Money:
        return self.price * self.quantity

    @property
    def number(self) -> str:
        return part_number(self.product_id)


class OrderEvent(Base):
    """The timeline: one row for each change, newest shown first."""

    __tablename__ = "order_events"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    data: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_at: Mapped[Created]
