"""What the owner of an account changes about it: name and password."""

from __future__ import annotations

from datetime import datetime

import structlog

from mountify import db
from mountify.core.errors.accounts import NoPassword, WrongPassword
from mountify.core.site import Site
from mountify.services import accounts, passwords, sign_ins
from mountify.services.account_mails import queue_password_changed
from mountify.services.accounts import Identity
from mountify.services.passwords import Chosen
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


def change_password(user_id: int, current: str, chosen: Chosen, *, cost: int, site: Site, now: datetime) -> Identity:
    """Change the password, which ends every sign-in of the account; gives who it is, to be signed in anew.

    Raises NoPassword or WrongPassword; then nothing has changed.
    """
    stored = accounts.get(user_id).password_hash
    prove(user_id, current, cost=cost)
    hashed = passwords.hashed(chosen.text, cost=cost)
    with transaction() as session:
        user = accounts.lock(session, user_id)
        if user.password_hash != stored:
            raise WrongPassword  # it was changed meanwhile
        user.change_password(hashed)
        log.info("password_changed", account=user_id)
        sign_ins.end_all(session, user_id, now=now)
        queue_password_changed(session, user, site=site, now=now)
        return accounts.identity_of(user)
