"""The rows behind sessions: what outlives Redis, and what ends a session for good."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

from mountify import db, store, versions
from mountify.core.errors.accounts import SignInNeeded
from mountify.core.texts import without_control_characters
from mountify.models.account import EmailToken, PasswordResetToken, Role, User, UserSession
from mountify.services import audit_log, orders
from mountify.services.accounts import Identity, identity_of
from mountify.services.audit_log import Actor
from mountify.store import StoreDown
from mountify.transaction import transaction

log = structlog.get_logger()

SHOPPER_IDLE, SHOPPER_ABSOLUTE = timedelta(days=14), timedelta(days=30)
OFFICE_IDLE, OFFICE_ABSOLUTE = timedelta(minutes=30), timedelta(hours=8)
ENDED_KNOWN_S = 120  # longer than what Redis says of a session is believed
MOST_LISTED = 50


def idle_limit(role: Role) -> timedelta:
    return SHOPPER_IDLE if role is Role.CUSTOMER else OFFICE_IDLE


def begin(who: Identity, id_hash: str, *, user_agent: str, address: str, now: datetime) -> None:
    """Write down a sign-in; orders that were placed as a guest since the last one join the account.

    Raises SignInNeeded when the account was changed, disabled or closed since it was looked at.
    """
    lasts = SHOPPER_ABSOLUTE if who.role is Role.CUSTOMER else OFFICE_ABSOLUTE
    with transaction() as session:
        user = session.get(User, who.id, with_for_update={"read": True}, populate_existing=True)
        if user is None or user.is_disabled or user.auth_version != who.auth_version:
            raise SignInNeeded
        session.add(
            UserSession(
                id_hash=id_hash,
                user_id=who.id,
                auth_version=who.auth_version,
                created_at=now,
                seen_at=now,
                expires_at=now + lasts,
                user_agent=without_control_characters(user_agent)[:300],
                address=address[:45],
            )
        )
        orders.join_account(session, who.id, who.email)
        if who.role is not Role.CUSTOMER:
            audit_log.record(session, Actor(who.id, address), "signed_in", user, now=now)
    log.info("signed_in", account=who.id)


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
        if not _is_good(row, user, now):
            return None
        row.seen_at = now
        return identity_of(user, proved_at=row.created_at.timestamp())


def _is_good(row: UserSession, user: User, now: datetime) -> bool:
    return (
        row.revoked_at is None
        and row.expires_at > now
        and row.seen_at + idle_limit(user.role) > now
        and not user.is_disabled
        and user.auth_version == row.auth_version
    )


def list_of(user_id: int, *, now: datetime) -> Sequence[UserSession]:
    """List where an account is signed in, newest first."""
    mine = select(UserSession, User).join(User).where(UserSession.user_id == user_id, UserSession.revoked_at.is_(None))
    rows = db.session.execute(mine.order_by(UserSession.created_at.desc()).limit(MOST_LISTED)).all()
    return [row for row, user in rows if _is_good(row, user, now)]


def end(id_hash: str, *, now: datetime) -> None:
    """End a session for good, also for requests in flight and for a Redis that comes back."""
    with transaction() as session:
        _end(session, UserSession.id_hash == id_hash, now=now)
    db.release()


def end_of(user_id: int, id_hash: str, *, now: datetime) -> None:
    """End a session of an account by its owner's wish; one that is over, or another's, stays as it is."""
    with transaction() as session:
        _end(session, UserSession.id_hash == id_hash, UserSession.user_id == user_id, now=now)


def end_others(user_id: int, keep: str, *, now: datetime) -> None:
    """End every session of an account but one."""
    with transaction() as session:
        _end(session, UserSession.user_id == user_id, UserSession.id_hash != keep, now=now)


def end_all(session: Session, user_id: int, *, now: datetime) -> None:
    """End every session of an account and every link that was mailed about it, in the caller's transaction."""
    for token in (EmailToken, PasswordResetToken):
        session.execute(delete(token).where(token.user_id == user_id))
    _end(session, UserSession.user_id == user_id, now=now)


def ids_of(session: Session, user_id: int) -> Sequence[str]:
    """List the ids, hashed, of all sessions that an account had lately."""
    return session.scalars(select(UserSession.id_hash).where(UserSession.user_id == user_id)).all()


def forget(id_hashes: Sequence[str]) -> None:
    """Let Redis know nothing of some sessions any more, as far as it can be told now: who they are of is in there."""
    if id_hashes:
        with suppress(StoreDown):
            store.ask(lambda redis: redis.delete(*map(live_key, id_hashes)))


def live_key(id_hash: str) -> str:
    """What Redis holds of a session. In braces what keeps both keys on one server of a Redis Cluster."""
    return f"session:{{{id_hash}}}"


def ended_key(id_hash: str) -> str:
    """What Redis holds for a while of a session that has ended: whoever finds it asks PostgreSQL."""
    return f"session-ended:{{{id_hash}}}"


def _end(session: Session, *which: ColumnElement[bool], now: datetime) -> None:
    """A request in flight may write what it knows of the session to Redis once more: nobody believes that."""
    alive = update(UserSession).where(UserSession.revoked_at.is_(None), *which)
    ended = session.execute(alive.values(revoked_at=now).returning(UserSession.id_hash, UserSession.user_id)).all()
    for id_hash, user_id in ended:
        log.info("signed_out", account=user_id)
        versions.touch(session, ended_key(id_hash), lasts_s=ENDED_KNOWN_S)
