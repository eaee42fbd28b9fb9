"""What the owner of an account changes about it: name and password."""

from __future__ import annotations

from datetime import datetime

import structlog

from mountify import db
from mountify.core.errors import NoPassword, WrongPassword
from mountify.core.site import Site
from mountify.services import accounts, passwords, sign_ins
from mountify.services.account_mails import queue_password_changed
from mountify.services.accounts import Identity
from mountify.transaction import transaction

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
