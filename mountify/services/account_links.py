"""Links in mails that show who reads an address: 256 bits, kept as SHA-256 only, for half an hour, good for once.

The newest of a kind alone counts, and looking at one does not use it up. Whoever issues or uses one locks the account
first, and the link after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.errors.accounts import LinkSpent
from mountify.core.tokens import hash_token, is_token, new_token
from mountify.models.account import EmailToken, PasswordResetToken, TokenPurpose, User
from mountify.models.email import Email

GOOD_FOR = timedelta(minutes=30)
MOST_MAILS, MAILS_IN = 3, timedelta(minutes=15)


@dataclass(frozen=True)
class Kind:
    """What a link is for: None for a new password, which has a table of its own."""

    purpose: TokenPurpose | None

    @property
    def table(self) -> Any:
        return EmailToken if self.purpose else PasswordResetToken

    @property
    def key(self) -> Mapping[str, Any]:
        """What there is one link of for each account."""
        return {"purpose": self.purpose} if self.purpose else {}

    @property
    def unused(self) -> Mapping[str, Any]:
        return {"used_at": None} if self.purpose else {"used": False}

    def used(self, now: datetime) -> Mapping[str, Any]:
        return {"used_at": now} if self.purpose else {"used": True}

    def good(self, token: str, now: datetime) -> list[ColumnElement[bool]]:
        """What is true of a link while it works. Raises LinkSpent for what is none."""
        if not is_token(token):
            raise LinkSpent
        table, same = self.table, {**self.key, **self.unused, "token_hash": hash_token(token)}
        return [table.expires_at > now, *(getattr(table, name).is_not_distinct_from(it) for name, it in same.items())]


CONFIRM, NEW_EMAIL, RESET = Kind(TokenPurpose.CONFIRM), Kind(TokenPurpose.CHANGE), Kind(None)


@dataclass(frozen=True)
class Link:
    """What a link that still works is about: an account, and the address that it shows."""

    user_id: int
    email: str


def issue(session: Session, user: User, kind: Kind, *, now: datetime, **more: str) -> str:
    """Make the token of a link, in the place of an earlier one. `email` is the address that a NEW_EMAIL is about."""
    token = new_token()
    values = {"token_hash": hash_token(token), "expires_at": now + GOOD_FOR, "created_at": now, **kind.unused, **more}
    row = insert(kind.table).values(user_id=user.id, **kind.key, **values)
    session.execute(row.on_conflict_do_update(index_elements=["user_id", *kind.key], set_=values))
    return token


def revoke(session: Session, user: User, kind: Kind) -> None:
    """Let no link of a kind work any more."""
    same = (getattr(kind.table, name) == it for name, it in kind.key.items())
    session.execute(delete(kind.table).where(kind.table.user_id == user.id, *same))


def look_at(token: str, kind: Kind, *, now: datetime) -> Link:
    """Say what a link is about without using it up. Raises LinkSpent."""
    address = func.coalesce(EmailToken.email, User.email) if kind.purpose else User.email
    mine: Select[Any] = select(kind.table.user_id, address).join(User, User.id == kind.table.user_id)
    found = db.session.execute(mine.where(*kind.good(token, now), User.disabled_at.is_(None))).one_or_none()
    if found is None:
        raise LinkSpent
    return Link(*found)


def use(session: Session, token: str, kind: Kind, *, now: datetime) -> User:
    """Use a link up, in the caller's transaction, and give its account, locked. Raises LinkSpent, also to the second.

    Of ten who come at once nine wait for the first, and find it used.
    """
    user_id = session.scalar(select(kind.table.user_id).where(*kind.good(token, now)))
    user = session.get(User, user_id, with_for_update=True, populate_existing=True) if user_id else None
    row = update(kind.table).where(*kind.good(token, now)).values(**kind.used(now)).returning(kind.table.user_id)
    if user is None or user.is_disabled or session.scalar(row) is None:
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


def moment(now: datetime) -> int:
    """When something was asked for, in microseconds since 1970: a job that is done twice writes one mail about it."""
    return int(now.timestamp() * 1e6)
