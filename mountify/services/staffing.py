"""Who may do what, and who may do nothing any more: decided by whoever runs the shop."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.errors import N_, NotFound
from mountify.models.account import OAuthIdentity, Role, User
from mountify.services import audit_log, sign_ins
from mountify.services.audit_log import TERMINAL
from mountify.transaction import transaction

log = structlog.get_logger()


def change_role(email: str, role: Role, *, now: datetime) -> None:
    """Give an account another role, which ends every sign-in of it. Raises NotFound."""
    with transaction() as session:
        user = _lock(session, email)
        if user.role is not role:
            audit_log.record(session, TERMINAL, "account.role_changed", user, now=now, role=(user.role, role))
            user.change_role(role)
            log.info("role_changed", account=user.id, role=role)
            sign_ins.end_all(session, user.id, now=now)


def disable(email: str, *, now: datetime) -> None:
    """Let nobody use an account any more, from this moment on. Raises NotFound."""
    with transaction() as session:
        user = _lock(session, email)
        user.disable(now=now)
        audit_log.record(session, TERMINAL, "account.disabled", user, now=now)
        log.info("account_disabled", account=user.id)
        sign_ins.end_all(session, user.id, now=now)


def enable(email: str, *, now: datetime) -> None:
    """Let an account be used again. Raises NotFound."""
    with transaction() as session:
        user = _lock(session, email)
        user.disabled_at = None
        audit_log.record(session, TERMINAL, "account.enabled", user, now=now)
        log.info("account_enabled", account=user.id)


def sign_out(email: str, *, now: datetime) -> None:
    """End every sign-in of an account. Raises NotFound."""
    with transaction() as session:
        user = _lock(session, email)
        sign_ins.end_all(session, user.id, now=now)
        audit_log.record(session, TERMINAL, "account.signed_out", user, now=now)


def describe(email: str, *, now: datetime) -> list[str]:
    """Say in lines what an account may do, how it is signed in to, and where it is. Raises NotFound."""
    user = db.session.scalars(select(User).where(User.email == email)).one_or_none()
    if user is None:
        raise _unknown(email)
    state = "disabled" if user.is_disabled else "open" if user.is_confirmed else "not opened yet"
    identities = db.session.scalars(select(OAuthIdentity).where(OAuthIdentity.user_id == user.id)).all()
    ways = ["password"] * user.has_password + [f"{it.issuer} since {it.created_at:%Y-%m-%d}" for it in identities]
    return [
        f"{user.email}: {user.role}, {state}, since {user.created_at:%Y-%m-%d}",
        f"signs in by {', '.join(ways) or 'nothing'}",
        *(
            f"signed in since {it.created_at:%Y-%m-%d %H:%M}, seen {it.seen_at:%Y-%m-%d %H:%M}, from {it.address}"
            for it in sign_ins.list_of(user.id, now=now)
        ),
    ]


def _lock(session: Session, email: str) -> User:
    user = session.scalars(select(User).where(User.email == email).with_for_update()).one_or_none()
    if user is None:
        raise _unknown(email)
    return user


def _unknown(email: str) -> NotFound:
    return NotFound(N_("There is no account %(email)s."), email=email)
