"""Accounts: who somebody is, and whether the password is theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.errors import NotFound
from mountify.core.errors.accounts import BadCredentials
from mountify.models.account import Role, User
from mountify.services import passwords
from mountify.services.passwords import Chosen
from mountify.services.settings import get_shop
from mountify.transaction import transaction

log = structlog.get_logger()


@dataclass(frozen=True)
class Identity:
    """Who is signed in, as the session remembers it: no query needed.

    `proved_at` says, in seconds since 1970, when they last showed that it is them.
    """

    id: int
    email: str
    name: str
    role: Role
    auth_version: int
    proved_at: float = 0.0

    @property
    def is_staff(self) -> bool:
        return self.role in (Role.STAFF, Role.ADMIN)


def identity_of(user: User, *, proved_at: float = 0.0) -> Identity:
    return Identity(user.id, user.email, user.name, user.role, user.auth_version, proved_at)


def authenticate(email: str, password: str, *, cost: int = passwords.LEAST_COST) -> Identity:
    """Check a password; the same work and the same words whether or not the account exists. Raises BadCredentials.

    One that is kept at a lower cost than today's is hashed anew.
    """
    user = db.session.scalars(select(User).where(User.email == email)).one_or_none()
    db.release()
    stored = user.password_hash if user is not None else None
    fits = passwords.fits(password, stored, cost=cost)
    if user is None or stored is None or not fits or user.is_disabled or not user.is_confirmed:
        log.warning("sign_in_refused", account=user.id if user is not None else None)
        raise BadCredentials
    if passwords.is_outdated(stored, cost=cost):
        _keep_better(user.id, stored, passwords.hashed(password, cost=cost))
    return identity_of(user)


def _keep_better(user_id: int, stored: str, better: str) -> None:
    """Unless somebody has changed the password meanwhile."""
    with transaction() as session:
        session.execute(
            update(User).where(User.id == user_id, User.password_hash == stored).values(password_hash=better)
        )
    db.release()


def create(
    email: str,
    password: str,
    *,
    role: Role = Role.CUSTOMER,
    name: str = "",
    cost: int = passwords.LEAST_COST,
    now: datetime,
) -> int:
    """Make an account, by whoever runs the shop: its address needs no confirmation. Raises WeakPassword."""
    user = new(email, password, role=role, name=name, cost=cost, now=now)
    with transaction() as session:
        session.add(user)
        session.flush()
        return user.id


def new(email: str, password: str, *, role: Role, name: str, cost: int = passwords.LEAST_COST, now: datetime) -> User:
    """Make an account that is still to be stored; hashing takes a while, and no transaction waits for it.

    Raises WeakPassword.
    """
    chosen = choose_password(email, name, password)
    hashed = passwords.hashed(chosen.text, cost=cost)
    return User(email=email, password_hash=hashed, role=role, name=name, email_confirmed_at=now)


def choose_password(email: str, name: str, password: str) -> Chosen:
    """Judge a new password by what others know of its account, and of the shop. Raises WeakPassword."""
    local, _at, domain = email.partition("@")
    about = [email, local, domain.partition(".")[0], *name.split(), *get_shop().name.split()]
    db.release()  # judging and hashing take a while
    return passwords.choose(password, about=about)


def find_by_email(email: str) -> int | None:
    return db.session.scalar(select(User.id).where(User.email == email))


def get(user_id: int) -> User:
    """Get an account. Raises NotFound."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound
    return user


def lock(session: Session, user_id: int) -> User:
    """Lock an account and read it afresh. Raises NotFound when it was closed."""
    user = session.get(User, user_id, with_for_update=True, populate_existing=True)
    if user is None:
        raise NotFound
    return user
