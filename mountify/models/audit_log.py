"""Who changed what at the desk: written once, and never changed (the database refuses it)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mountify.models.base import Base, Created, Id


class AuditEntry(Base):
    """`actor_id` is the account that acted, None for the shop's commands; no foreign key, an entry outlives it."""

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_thing", "thing", "thing_id", "id"),)

    id: Mapped[Id]
    actor_id: Mapped[int | None]
    client: Mapped[str] = mapped_column(String(45), server_default="")  # the address it came from
    action: Mapped[str] = mapped_column(String(40))
    thing: Mapped[str] = mapped_column(String(40))  # a table, and the key of a row in it
    thing_id: Mapped[str] = mapped_column(String(60))
    changes: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # name → [old, new]
    created_at: Mapped[Created]
