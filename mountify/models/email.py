"""The outbox. A mail is rendered once and stored: a retry sends the same bytes under the same key."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text
from sqlalchemy import text as sql_text
from sqlalchemy.orm import Mapped, mapped_column

from mountify.models.base import Base, Created, Id, words


class EmailState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"


class Email(Base):
    __tablename__ = "emails"
    __table_args__ = (
        CheckConstraint("num_nonnulls(order_id, user_id) >= 1 OR kind = 'good_bye'", name="about_somebody"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_at"),
        Index("ix_emails_failed", "created_at", postgresql_where=sql_text("state = 'failed'")),
        Index("ix_emails_queued", "created_at", postgresql_where=sql_text("state = 'queued'")),
    )

    id: Mapped[Id]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(40))
    sender_name: Mapped[str] = mapped_column(Text, server_default="")
    recipient: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    idempotency_key: Mapped[str] = mapped_column(Text, unique=True)
    state: Mapped[EmailState] = mapped_column(words(EmailState, "state"), server_default="queued")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    error: Mapped[str | None] = mapped_column(Text)
    provider_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[Created]
    first_tried_at: Mapped[datetime | None]
    tried_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
