"""What we asked Stripe for, what it took, what it gave back, and what it told us."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mountify.core.money import Money
from mountify.models.base import Base, Created, Id, Updated, words


class AttemptState(StrEnum):
    """`created`: stored, not yet answered by Stripe. `closed`: it can no longer be paid."""

    CREATED = "created"
    OPEN = "open"
    COMPLETE = "complete"
    CLOSED = "closed"


class PaymentState(StrEnum):
    PAID = "paid"
    REFUNDED = "refunded"


class RefundState(StrEnum):
    """`created`: stored, not yet answered by Stripe. `void`: never made, because the money had gone back already."""

    CREATED = "created"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    VOID = "void"


class PaymentAttempt(Base):
    """The request to Stripe, stored before it is sent so that a crash repeats it with the same key."""

    __tablename__ = "payment_attempts"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    params: Mapped[dict[str, Any]]
    idempotency_key: Mapped[str] = mapped_column(Text, unique=True)
    session_id: Mapped[str | None] = mapped_column(Text, unique=True)
    url: Mapped[str | None] = mapped_column(Text)
    state: Mapped[AttemptState] = mapped_column(words(AttemptState, "state"), server_default="created")
    closed_by: Mapped[str | None] = mapped_column(String(40))
    expires_at: Mapped[datetime]
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


class Payment(Base):
    __tablename__ = "payments"
    __table_args__ = (CheckConstraint("amount >= 0", name="amount"),)

    id: Mapped[Id]
    attempt_id: Mapped[int] = mapped_column(ForeignKey("payment_attempts.id", ondelete="RESTRICT"), index=True)
    payment_intent: Mapped[str] = mapped_column(Text, unique=True)
    amount: Mapped[Money]
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[PaymentState] = mapped_column(words(PaymentState, "state"), server_default="paid")
    created_at: Mapped[Created]


class Refund(Base):
    """`restock`: product id → quantity that goes back on the shelf when the refund is made.

    `replaces_id`: one that failed, in whose place this one is.
    """

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_refunds_created", "created_at", postgresql_where=text("state IN ('created', 'pending')")),
    )

    id: Mapped[Id]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id", ondelete="RESTRICT"), index=True)
    reason: Mapped[str] = mapped_column(String(40))
    amount: Mapped[Money]
    idempotency_key: Mapped[str] = mapped_column(Text, unique=True)
    stripe_refund_id: Mapped[str | None] = mapped_column(Text, unique=True)
    restock: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    state: Mapped[RefundState] = mapped_column(words(RefundState, "state"), server_default="created")
    error: Mapped[str | None] = mapped_column(Text)
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("refunds.id", ondelete="RESTRICT"), index=True)
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]

    @property
    def parts(self) -> dict[int, int]:
        """`restock` by numbers: JSON knows only texts as keys."""
        return {int(product_id): int(quantity) for product_id, quantity in self.restock.items()}


class Dispute(Base):
    __tablename__ = "disputes"

    id: Mapped[Id]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payments.id", ondelete="RESTRICT"), index=True)
    stripe_dispute_id: Mapped[str] = mapped_column(Text, unique=True)
    reason: Mapped[str] = mapped_column(String(40))
    amount: Mapped[Money]
    state: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


class WebhookEvent(Base):
    """The inbox: stored before it is acknowledged, worked off by a job, kept."""

    # What an event is about, as its indexes say it.
    OBJECT = "(((payload -> 'data'::text) -> 'object'::text) ->> 'id'::text)"
    INTENT = "(((payload -> 'data'::text) -> 'object'::text) ->> 'payment_intent'::text)"

    __tablename__ = "webhook_events"
    __table_args__ = (
        UniqueConstraint("provider", "event_id"),
        Index("ix_webhook_events_object", text(OBJECT)),
        Index("ix_webhook_events_intent", text(INTENT)),
        Index(
            "ix_webhook_events_due", "received_at", postgresql_where=text("processed_at IS NULL AND parked_at IS NULL")
        ),
    )

    id: Mapped[Id]
    provider: Mapped[str] = mapped_column(String(20))
    event_id: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(100))
    payload: Mapped[dict[str, Any]]
    received_at: Mapped[Created]
    processed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    parked_at: Mapped[datetime | None]
