"""Accounts: who somebody is, and whether the password is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import bcrypt
from sqlalchemy import select

from mountify import db
from mountify.core.errors import N_, BadCredentials, InvalidInput
from mountify.models.account import Role, User
from mountify.transaction import transaction

COST = 10
LEAST, MOST_BYTES = 8, 72  # bcrypt reads 72 bytes


@dataclass(frozen=True)
class Identity:
    """Who is signed in, as the session remembers it: no query needed."""

    id: int
    email: str
    name: str
    role: Role
    auth_version: int

    @property
    def is_staff(self) -> bool:
        return self.role in (Role.STAFF, Role.ADMIN)


def authenticate(email: str, password: str) -> Identity:
    """Check a password; the same work and the same words whether or not the account exists. Raises BadCredentials."""
    user = db.session.scalars(select(User).where(User.email == email)).one_or_none()
    db.release()
    stored = user.password_hash if user is not None and user.password_hash else _dummy_hash()
    fits = _matches(password, stored)
    if user is None or user.password_hash is None or user.is_disabled or not fits:
        raise BadCredentials
    return Identity(user.id, user.email, user.name, user.role, user.auth_version)


def fits(password: str, stored: str | None) -> bool:
    """Check a password against a hash; the same work where there is none, which nothing fits."""
    return _matches(password, stored or _dummy_hash()) and stored is not None


def create(email: str, password: str, *, role: Role = Role.CUSTOMER, name: str = "") -> int:
    """Make an account. Raises InvalidInput for a password that is too short or too long."""
    user = new(email, password, role=role, name=name)
    with transaction() as session:
        session.add(user)
        session.flush()
        return user.id


def new(email: str, password: str, *, role: Role, name: str) -> User:
    """Make an account that is still to be stored; hashing takes a while, and no transaction waits for it.

    Raises InvalidInput for a password that is too short or too long.
    """
    if len(password) < LEAST:
        raise InvalidInput(N_("A password has at least %(least)s characters."), least=LEAST)
    if len(password.encode()) > MOST_BYTES:
        raise InvalidInput(N_("A password has at most %(most)s bytes."), most=MOST_BYTES)
    return User(email=email, password_hash=_hash(password), role=role, name=name)


def find_by_email(email: str) -> int | None:
    return db.session.scalar(select(User.id).where(User.email == email))


def _hash(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(COST)).decode()


@cache
def _dummy_hash() -> str:
    return _hash("nobody has this password")


def _matches(password: str, stored: str) -> bool:
    """A password that bcrypt cannot read (too long, NUL) costs the same and never fits."""
    raw = password.encode("utf-8", "surrogatepass")
    readable = len(raw) <= MOST_BYTES and b"\0" not in raw
    return bcrypt.checkpw(raw if readable else b"unreadable", stored.encode()) and readable
