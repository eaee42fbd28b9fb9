"""People and the ways they sign in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mountify.models.base import Base, CiText, Created, Id, Updated, words


class Role(StrEnum):
    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"


class TokenPurpose(StrEnum):
    CONFIRM = "confirm"
    CHANGE = "change"


class User(Base):
    __tablename__ = "users"
    __table_args__ = (CheckConstraint("position('@' in email) > 1", name="email_has_at"),)

    id: Mapped[Id]
    email: Mapped[CiText] = mapped_column(unique=True)
    password_hash: Mapped[str | None] = mapped_column(Text)
    role: Mapped[Role] = mapped_column(words(Role, "role"), server_default="customer")
    name: Mapped[str] = mapped_column(String(120), server_default="")
    email_confirmed_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    auth_version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[Created]

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None

    @property
    def has_password(self) -> bool:
        return self.password_hash is not None

    @property
    def is_confirmed(self) -> bool:
        """Say whether somebody has shown that the address is theirs; before that nobody signs in."""
        return self.email_confirmed_at is not None

    def confirm(self, *, now: datetime) -> None:
        self.email_confirmed_at = self.email_confirmed_at or now

    def change_email(self, email: str) -> None:
        self.email = email
        self.auth_version += 1

    def disable(self, *, now: datetime) -> None:
        """Nobody is let in from now on, nor by what was begun before when it is enabled again."""
        self.disabled_at = self.disabled_at or now
        self.auth_version += 1

    def change_role(self, role: Role) -> None:
        """Whoever is signed in with the rights of before is so no more."""
        self.role = role
        self.auth_version += 1

    def change_password(self, password_hash: str | None) -> None:
        """Give it another password, or none; whoever is signed in with what was before is so no more."""
        self.password_hash = password_hash
        self.auth_version += 1


class OAuthIdentity(Base):
    __tablename__ = "oauth_identities"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[Id]
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[Created]


class EmailToken(Base):
    """A link that shows who reads an address: the account's own, or the one it is to get. The newest alone counts."""

    __tablename__ = "email_tokens"
    __table_args__ = (
        UniqueConstraint("user_id", "purpose"),
        CheckConstraint("(purpose = 'change') = (email IS NOT NULL)", name="new_address"),
    )

    id: Mapped[Id]
    purpose: Mapped[TokenPurpose] = mapped_column(words(TokenPurpose, "purpose"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    email: Mapped[CiText | None]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    created_at: Mapped[Created]


class PasswordResetToken(Base):
    __tablename__ = "password_reset_tokens"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Created]


class UserSession(Base):
    """One row a sign-in: what outlives Redis and what ends a session for good."""

    __tablename__ = "user_sessions"

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    auth_version: Mapped[int]
    created_at: Mapped[Created]
    seen_at: Mapped[Created]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(String(300), server_default="")
    address: Mapped[str] = mapped_column(String(45), server_default="")


class Address(Base):
    __tablename__ = "addresses"
    __table_args__ = (
        UniqueConstraint("user_id", "line1", "postal_code"),
        Index("uq_addresses_default", "user_id", unique=True, postgresql_where=text("is_default")),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(120))
    phone: Mapped[str] = mapped_column(String(40), server_default="")
    line1: Mapped[str] = mapped_column(String(200))
    line2: Mapped[str] = mapped_column(String(200), server_default="")
    city: Mapped[str] = mapped_column(String(120))
    state: Mapped[str] = mapped_column(String(120), server_default="")
    postal_code: Mapped[str] = mapped_column(String(20))
    country: Mapped[str] = mapped_column(String(2))
    is_default: Mapped[bool] = mapped_column(server_default=text("false"))
    created_at: Mapped[Created]
    updated_at: Mapped[Updated]


class Setting(Base):
    """What a merchant may change; read through services.settings only."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[dict[str, Any]]
    updated_at: Mapped[Updated]
