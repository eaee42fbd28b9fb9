"""A new password for whoever reads the address of an account."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import select

from mountify.core.site import Site
from mountify.models.account import User
from mountify.queue import defer
from mountify.services import account_links, accounts, orders, passwords, sign_ins
from mountify.services.account_links import RESET
from mountify.services.account_mails import queue_about_account, queue_password_changed
from mountify.transaction import transaction

log = structlog.get_logger()


def ask(email: str, *, now: datetime) -> None:
    """Queue looking for the account of an address: the same work, and the same time, whether or not there is one."""
    with transaction() as session:
        defer(session, "mail_password_reset", email=email, asked_at=account_links.moment(now))


def mail(email: str, asked_at: int, *, site: Site, now: datetime) -> None:
    """Write to an account with the link to choose a new password, at most three times in a quarter of an hour."""
    with transaction() as session:
        user = session.scalars(select(User).where(User.email == email).with_for_update()).one_or_none()
        if user is None or user.is_disabled:
            return
        key = f"reset_password:{user.id}:{asked_at}"
        if not account_links.may_mail(session, user, "reset_password", key, now=now):
            return
        token = account_links.issue(session, user, RESET, now=now)
        queue_about_account(
            "reset_password",
            session,
            user,
            key=key,
            site=site,
            now=now,
            url=f"{site.base_url}/auth/reset-password?token={token}",
        )


def reset(token: str, password: str, *, cost: int, site: Site, now: datetime) -> None:
    """Choose a new password by a link, which ends every sign-in and every other link of the account.

    It shows who reads the address as well as the link to confirm it does. Raises LinkSpent or WeakPassword.
    """
    link = account_links.look_at(token, RESET, now=now)
    name = accounts.get(link.user_id).name
    hashed = passwords.hashed(accounts.choose_password(link.email, name, password).text, cost=cost)
    with transaction() as session:
        user = account_links.use(session, token, RESET, now=now)
        user.change_password(hashed)
        user.confirm(now=now)
        log.info("password_reset", account=user.id)
        sign_ins.end_all(session, user.id, now=now)
        orders.join_account(session, user.id, user.email)
        queue_password_changed(session, user, site=site, now=now)
