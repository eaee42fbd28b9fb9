"""What a person has to look at and no other row tells for long: it stays until somebody says that it is done."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mountify.models.base import Base, Created, Id


class AttentionKind(StrEnum):
    """`payment`: one that did not fit and goes back by itself. `mismatch`: Stripe and the shop say different things.

    `refund`: one that failed and was made good in another way; about the number of its row.
    """

    PAYMENT = "payment"
    DISPUTE = "dispute"
    MISMATCH = "mismatch"
    REFUND = "refund"


class AttentionNote(Base):
    """One for each thing (by Stripe's id, mostly) and kind; `what` is a sentence for the merchant."""

    __tablename__ = "attention_notes"
    __table_args__ = (
        UniqueConstraint("kind", "about"),
        Index("ix_attention_notes_open", "id", postgresql_where=text("resolved_at IS NULL")),
    )

    id: Mapped[Id]
    kind: Mapped[str] = mapped_column(String(40))
    about: Mapped[str] = mapped_column(Text)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    what: Mapped[str] = mapped_column(Text)
    created_at: Mapped[Created]
    resolved_at: Mapped[datetime | None]
