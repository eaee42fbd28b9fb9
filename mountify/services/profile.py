"""What the owner of an account changes about it: name, password, address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from mountify import db
from mountify.core.errors import EmailTaken, NoPassword, SameEmail, WrongPassword
from mountify.core.site import Site
from mountify.core.tokens import hash_token
from mountify.models.account import User
from mountify.queue import defer
from mountify.services import account_links, accounts, orders, passwords, sign_ins
from mountify.services.account_links import NEW_EMAIL
from mountify.services.account_mails import queue_about_account, queue_password_changed
from mountify.services.accounts import Identity
from mountify.transaction import transaction, violated

log = structlog.get_logger()


def rename(user_id: int, name: str) -> Identity:
    """Give an account another name, and say who it is now."""
    with transaction() as session:
        user = accounts.lock(session, user_id)
        user.name = name
        return accounts.identity_of(user)


def prove(user_id: int, password: str, *, cost: int) -> None:
    """Check the password of somebody who is signed in. Raises WrongPassword or NoPassword."""
    stored = accounts.get(user_id).password_hash
    db.release()
    if stored is None:
        raise NoPassword
    if not passwords.fits(password, stored, cost=cost):
        log.warning("proof_refused", account=user_id)
        raise WrongPassword


def change_password(user_id: int, current: str, new: str, *, cost: int, site: Site, now: datetime) -> Identity:
    """Change the password, which ends every sign-in of the account; gives who it is, to be signed in anew.

    Raises NoPassword, WrongPassword or WeakPassword; then nothing has changed.
    """
    user = accounts.get(user_id)
    stored, about = user.password_hash, accounts.words_about(user.email, user.name)
    prove(user_id, current, cost=cost)
    passwords.check(new, about=about)
    hashed = passwords.hashed(new, cost=cost)
    with transaction() as session:
        user = accounts.lock(session, user_id)
        if user.password_hash != stored:
            raise WrongPassword  # it was changed meanwhile
        user.change_password(hashed)
        log.info("password_changed", account=user_id)
        sign_ins.end_all(session, user_id, now=now)
        queue_password_changed(session, user, site=site, now=now)
        return accounts.identity_of(user)


def ask_for_address(user_id: int, email: str, *, now: datetime) -> None:
    """Ask for another address: its owner gets a link. Nobody learns here whether it has an account already.

    Raises SameEmail.
    """
    user = accounts.get(user_id)
    if _is_same(user.email, email):
        raise SameEmail
    version = user.auth_version
    with transaction() as session:
        defer(
            session,
            "mail_new_address",
            user_id=user_id,
            auth_version=version,
            email=email,
            asked_at=account_links.moment(now),
        )


def mail_new_address(user_id: int, auth_version: int, email: str, asked_at: int, *, site: Site, now: datetime) -> None:
    """Write to the address that an account is to get: with the link, or that somebody wanted what it has already.

    An earlier link dies either way, so that nobody learns from it which. Whoever was signed out since has asked for
    nothing any more.
    """
    with transaction() as session:
        user = session.get(User, user_id, with_for_update=True, populate_existing=True)
        if user is None or user.is_disabled or user.auth_version != auth_version or _is_same(user.email, email):
            return
        account_links.revoke(session, user, NEW_EMAIL)
        owner = session.scalars(select(User).where(User.email == email)).one_or_none()
        kind, about = ("address_taken", owner) if owner is not None and owner.is_confirmed else ("new_address", user)
        key = f"{kind}:{user.id}:{asked_at}"
        if not account_links.may_mail(session, about, kind, key, now=now):
            return
        link: dict[str, Any] = {}
        if kind == "new_address":
            token = account_links.issue(session, user, NEW_EMAIL, email=email, now=now)
            link = {"url": f"{site.base_url}/auth/new-address?token={token}", "email": email}
        queue_about_account(kind, session, about, key=key, site=site, now=now, recipient=email, **link)


def _is_same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def change_address(token: str, *, user_id: int | None, password: str, cost: int, site: Site, now: datetime) -> Identity:
    """Give an account the address that the link has shown, and tell the old one; every sign-in ends.

    The link shows who reads the address; whose account it is to be shows the session of `user_id`, or the password:
    without them a stranger could give their account somebody's address, and wait for them to follow the link. Gives
    who it is now. Raises LinkSpent, WrongPassword or EmailTaken. An account that was asked for with this address, and
    never opened, makes room.
    """
    link = account_links.look_at(token, NEW_EMAIL, now=now)
    if user_id != link.user_id:
        prove(link.user_id, password, cost=cost)
    try:
        with transaction() as session:
            user = account_links.use(session, token, NEW_EMAIL, now=now)
            unopened = User.email_confirmed_at.is_(None), User.disabled_at.is_(None)
            session.execute(delete(User).where(User.email == link.email, User.id != user.id, *unopened))
            before = user.email
            user.change_email(link.email)
            log.info("email_changed", account=user.id)
            session.flush()
            sign_ins.end_all(session, user.id, now=now)
            orders.join_account(session, user.id, user.email)
            key = f"address_changed:{user.id}:{hash_token(token)}"
            queue_about_account("address_changed", session, user, key=key, site=site, now=now, recipient=before)
            return accounts.identity_of(user)
    except IntegrityError as error:
        if violated(error) != "uq_users_email":
            raise
        raise EmailTaken from error
