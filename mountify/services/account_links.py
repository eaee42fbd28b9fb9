"""Links in mails that show who reads an address: 256 bits, kept as SHA-256 only, for half an hour, good for once.

The newest of a kind alone counts, and looking at one does not use it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.errors import LinkSpent
from mountify.core.tokens import hash_token, is_token, new_token
from mountify.models.account import EmailToken, PasswordResetToken, TokenPurpose, User
from mountify.models.email import Email

GOOD_FOR = timedelta(minutes=30)
MOST_MAILS, MAILS_IN = 3, timedelta(minutes=15)


@dataclass(frozen=True)
class Link:
    """What a link that still works is about: an account, and the address that it shows."""

    user_id: int
    email: str


def issue(session: Session, user: User, purpose: TokenPurpose, *, email: str | None = None, now: datetime) -> str:
    """Make the token of a link to confirm an address, in the place of an earlier one; `email` for another address."""
    token = new_token()
    values = {
        "token_hash": hash_token(token),
        "email": email,
        "expires_at": now + GOOD_FOR,
        "used_at": None,
        "created_at": now,
    }
    row = insert(EmailToken).values(user_id=user.id, purpose=purpose, **values)
    session.execute(row.on_conflict_do_update(index_elements=[EmailToken.user_id, EmailToken.purpose], set_=values))
    return token


def issue_reset(session: Session, user: User, *, now: datetime) -> str:
    """Make the token of a link to choose a new password, in the place of an earlier one."""
    token = new_token()
    values: Mapping[str, Any] = {
        "token_hash": hash_token(token),
        "expires_at": now + GOOD_FOR,
        "used": False,
        "created_at": now,
    }
    row = insert(PasswordResetToken).values(user_id=user.id, **values)
    session.execute(row.on_conflict_do_update(index_elements=[PasswordResetToken.user_id], set_=dict(values)))
    return token


def look_at(token: str, purpose: TokenPurpose | None, *, now: datetime) -> Link:
    """Say what a link is about without using it up; None is for a new password. Raises LinkSpent."""
    kind, good = _good(token, purpose, now)
    address: Any = func.coalesce(EmailToken.email, User.email) if purpose else User.email
    found = db.session.execute(
        select(kind.user_id, address).join(User, User.id == kind.user_id).where(*good, User.disabled_at.is_(None))
    ).one_or_none()
    if found is None:
        raise LinkSpent
    return Link(*found)


def use(session: Session, token: str, purpose: TokenPurpose | None, *, now: datetime) -> User:
    """Use a link up, in the caller's transaction, and give its account, locked. Raises LinkSpent, also to the second.

    Of ten who come at once nine wait for the first, and find it used.
    """
    kind, good = _good(token, purpose, now)
    used: Mapping[str, Any] = {"used_at": now} if purpose else {"used": True}
    user_id = session.scalar(update(kind).where(*good).values(**used).returning(kind.user_id))
    user = session.get(User, user_id, with_for_update=True, populate_existing=True) if user_id else None
    if user is None or user.is_disabled:
        raise LinkSpent
    return user


def may_mail(session: Session, user: User, kind: str, key: str, *, now: datetime) -> bool:
    """Say whether a mail with a link is still to be written: not when it is, nor after three in a quarter of an hour.

    Locks the account: two jobs that are about it do not count the same mails.
    """
    session.execute(select(User.id).where(User.id == user.id).with_for_update())
    written = select(Email.id).where(Email.idempotency_key == key)
    if session.scalar(written) is not None:
        return False
    recent = Email.user_id == user.id, Email.kind == kind, Email.created_at > now - MAILS_IN
    return (session.scalar(select(func.count()).select_from(Email).where(*recent)) or 0) < MOST_MAILS


def _good(token: str, purpose: TokenPurpose | None, now: datetime) -> tuple[Any, list[ColumnElement[bool]]]:
    """The table of a link, and what is true of it while it works. Raises LinkSpent for what is none."""
    if not is_token(token):
        raise LinkSpent
    if purpose is None:
        fits = PasswordResetToken.token_hash == hash_token(token), PasswordResetToken.expires_at > now
        return PasswordResetToken, [*fits, PasswordResetToken.used.is_(False)]
    fits = EmailToken.token_hash == hash_token(token), EmailToken.expires_at > now
    return EmailToken, [*fits, EmailToken.purpose == purpose, EmailToken.used_at.is_(None)]
