"""Another email for an account: asked for by its owner, confirmed by whoever reads it, told to the old one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from mountify.core.errors.accounts import EmailTaken, SameEmail
from mountify.core.site import Site
from mountify.core.tokens import hash_token
from mountify.models.account import User
from mountify.queue import defer
from mountify.services import account_links, accounts, orders, profile, sign_ins
from mountify.services.account_links import NEW_EMAIL
from mountify.services.account_mails import queue_about_account
from mountify.services.accounts import Identity
from mountify.transaction import transaction, violated

log = structlog.get_logger()


def ask(user_id: int, email: str, *, now: datetime) -> None:
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


def mail(user_id: int, auth_version: int, email: str, asked_at: int, *, site: Site, now: datetime) -> None:
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


def confirm(token: str, *, user_id: int | None, password: str, cost: int, site: Site, now: datetime) -> Identity:
    """Give an account the address that the link has shown, and tell the old one; every sign-in ends.

    The link shows who reads the address; whose account it is to be shows the session of `user_id`, or the password:
    without them a stranger could give their account somebody's address, and wait for them to follow the link. Gives
    who it is now. Raises LinkSpent, WrongPassword or EmailTaken. An account that was asked for with this address, and
    never opened, makes room.
    """
    link = account_links.look_at(token, NEW_EMAIL, now=now)
    if user_id != link.user_id:
        profile.prove(link.user_id, password, cost=cost)
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
