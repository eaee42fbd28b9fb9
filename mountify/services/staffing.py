"""Who may do what, and who may do nothing any more: decided by whoever runs the shop."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify.core.errors import N_, NotFound
from mountify.models.account import Role, User
from mountify.services import sign_ins
from mountify.transaction import transaction

log = structlog.get_logger()


def change_role(email: str, role: Role, *, now: datetime) -> None:
    """Give an account another role, which ends every sign-in of it. Raises NotFound."""
    with transaction() as session:
        user = _lock(session, email)
        if user.role is not role:
            user.change_role(role)
            log.info("role_changed", account=user.id, role=role)
            sign_ins.end_all(session, user.id, now=now)


def disable(email: str, *, now: datetime) -> None:
    """Let nobody use an account any more, from this moment on. Raises NotFound."""
    with transaction() as session:
        user = _lock(session, email)
        user.disable(now=now)
        log.info("account_disabled", account=user.id)
        sign_ins.end_all(session, user.id, now=now)


def enable(email: str) -> None:
    """Let an account be used again. Raises NotFound."""
    with transaction() as session:
        user = _lock(session, email)
        user.disabled_at = None
        log.info("account_enabled", account=user.id)


def sign_out(email: str, *, now: datetime) -> None:
    """End every sign-in of an account. Raises NotFound."""
    with transaction() as session:
        sign_ins.end_all(session, _lock(session, email).id, now=now)


def _lock(session: Session, email: str) -> User:
    user = session.scalars(select(User).where(User.email == email).with_for_update()).one_or_none()
    if user is None:
        raise NotFound(N_("There is no account %(email)s."), email=email)
    return user
