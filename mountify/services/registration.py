"""From a stranger to an account: asked for by anybody, opened by whoever reads the address."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from mountify import db
from mountify.core.errors.accounts import LinkSpent, WrongPassword
from mountify.core.site import Site
from mountify.models.account import User
from mountify.queue import defer
from mountify.services import account_links, orders, passwords
from mountify.services.account_links import CONFIRM
from mountify.services.account_mails import queue_about_account
from mountify.services.passwords import Chosen
from mountify.transaction import transaction

log = structlog.get_logger()


def register(email: str, chosen: Chosen, *, cost: int, now: datetime) -> None:
    """Ask for an account: the same work, and the same time, whether or not the address has one.

    Who asks again before the address is confirmed asks with another password: the last one counts.
    """
    hashed = passwords.hashed(chosen.text, cost=cost)
    with transaction() as session:
        row = insert(User).values(email=email, password_hash=hashed, created_at=now)
        is_nobodys_yet = User.email_confirmed_at.is_(None) & User.disabled_at.is_(None)
        session.execute(
            row.on_conflict_do_update(
                index_elements=[User.email],
                set_={"password_hash": hashed, "created_at": now},
                where=is_nobodys_yet,
            )
        )
        defer(session, "mail_registration", email=email, asked_at=account_links.moment(now))


def mail(email: str, asked_at: int, *, site: Site, now: datetime) -> None:
    """Write to the address: with the link that opens the account, or that somebody wanted what it has already."""
    with transaction() as session:
        user = session.scalars(select(User).where(User.email == email).with_for_update()).one_or_none()
        if user is None or user.is_disabled:
            return
        kind = "address_taken" if user.is_confirmed else "confirm_address"
        key = f"{kind}:{user.id}:{asked_at}"
        if not account_links.may_mail(session, user, kind, key, now=now):
            return
        link: dict[str, Any] = {}
        if not user.is_confirmed:
            token = account_links.issue(session, user, CONFIRM, now=now)
            link = {"url": f"{site.base_url}/auth/confirm?token={token}"}
        queue_about_account(kind, session, user, key=key, site=site, now=now, **link)


def confirm(token: str, password: str, *, cost: int, now: datetime) -> str:
    """Open an account by its link and its password, and give its address. Raises LinkSpent or WrongPassword.

    The link shows who reads the address, the password who has asked: without it a stranger could register an address,
    and wait for its owner to follow the link. A wrong one does not use the link up.
    """
    link = account_links.look_at(token, CONFIRM, now=now)
    stored = db.session.scalar(select(User.password_hash).where(User.id == link.user_id))
    db.release()
    if not passwords.fits(password, stored, cost=cost):
        raise WrongPassword
    with transaction() as session:
        user = account_links.use(session, token, CONFIRM, now=now)
        if user.password_hash != stored:
            raise LinkSpent  # somebody has asked again meanwhile, with another password
        user.confirm(now=now)
        log.info("account_opened", account=user.id)
        orders.join_account(session, user.id, user.email)
        return user.email
