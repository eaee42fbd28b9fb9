"""The rows behind sessions: what outlives Redis, and what ends a session for good."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update

from mountify import db
from mountify.models.account import Role, User, UserSession
from mountify.services.accounts import Identity
from mountify.transaction import transaction

SHOPPER_IDLE, SHOPPER_ABSOLUTE = timedelta(days=14), timedelta(days=30)
OFFICE_IDLE, OFFICE_ABSOLUTE = timedelta(minutes=30), timedelta(hours=8)


def idle_limit(role: Role) -> timedelta:
    return SHOPPER_IDLE if role is Role.CUSTOMER else OFFICE_IDLE


def begin(who: Identity, id_hash: str, *, user_agent: str, address: str, now: datetime) -> None:
    """Write down a sign-in."""
    lasts = SHOPPER_ABSOLUTE if who.role is Role.CUSTOMER else OFFICE_ABSOLUTE
    with transaction() as session:
        session.add(
            UserSession(
                id_hash=id_hash,
                user_id=who.id,
                auth_version=who.auth_version,
                created_at=now,
                seen_at=now,
                expires_at=now + lasts,
                user_agent=user_agent[:300],
                address=address[:45],
            )
        )


def check(id_hash: str, *, now: datetime) -> Identity | None:
    """Say who a session belongs to, if it still does: not ended, not idle, not older than the account's last change."""
    with transaction() as session:
        found = session.execute(
            select(UserSession, User)
            .join(User, User.id == UserSession.user_id)
            .where(UserSession.id_hash == id_hash)
            .execution_options(populate_existing=True)
        ).one_or_none()
        if found is None:
            return None
        row, user = found
        if (
            row.revoked_at is not None
            or row.expires_at <= now
            or row.seen_at + idle_limit(user.role) <= now
            or user.is_disabled
            or user.auth_version != row.auth_version
        ):
            return None
        row.seen_at = now
        return Identity(user.id, user.email, user.name, user.role, user.auth_version)


def end(id_hash: str, *, now: datetime) -> None:
    """End a session for good, also for requests in flight and for a Redis that comes back."""
    with transaction() as session:
        session.execute(
            update(UserSession)
            .where(UserSession.id_hash == id_hash, UserSession.revoked_at.is_(None))
            .values(revoked_at=now)
        )
    db.release()
