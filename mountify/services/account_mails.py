"""Mails about an account, to whoever owns it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mountify.core.site import Site
from mountify.models.account import OAuthIdentity, User
from mountify.services import emails
from mountify.services.mail_templates import render


def queue_about_account(
    kind: str,
    session: Session,
    user: User,
    *,
    key: str,
    site: Site,
    now: datetime,
    recipient: str | None = None,
    **values: object,
) -> None:
    """Write to the owner of an account, once for each key, and queue its sending, in the caller's transaction.

    The templates in `email/<kind>` see `user`, `shop`, `shop_url`, `now` and the values. A mail goes to the account's
    address unless another recipient is named.
    """
    mail = render(kind, site, site.currency, user=user, now=now, **values)
    emails.store(session, kind, mail, key=key, recipient=recipient or user.email, user_id=user.id, now=now)


def queue_password_changed(session: Session, user: User, *, site: Site, now: datetime) -> None:
    """Tell the owner of an account, once for each change, in the caller's transaction."""
    session.flush()
    key = f"password_changed:{user.id}:{user.auth_version}"
    identities = select(OAuthIdentity.id).where(OAuthIdentity.user_id == user.id)
    has_google = session.scalar(identities.limit(1)) is not None
    queue_about_account("password_changed", session, user, key=key, site=site, now=now, has_google=has_google)


def queue_good_bye(session: Session, user: User, *, site: Site, now: datetime) -> None:
    """Tell the owner of an account that it is closed: if it was somebody else, they learn of it."""
    mail = render("good_bye", site, site.currency, user=user, now=now)
    emails.store(session, "good_bye", mail, key=f"good_bye:{user.id}", recipient=user.email, now=now)
