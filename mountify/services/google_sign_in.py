"""Signing in with Google: a person there is one account here, told by issuer and subject and never by the address."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ParamSpec, TypeVar

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mountify import db
from mountify.core.errors import NotFound
from mountify.core.errors.accounts import AccountDisabled, BadCredentials, LastWayIn, SignInNeeded
from mountify.core.errors.google import (
    AddressTaken,
    ConnectedElsewhere,
    EmailNotVerified,
    NoEmailAtGoogle,
    OtherGoogleAccount,
)
from mountify.core.google_account import GoogleAccount
from mountify.core.site import Site
from mountify.models.account import OAuthIdentity, User
from mountify.services import accounts, passwords
from mountify.services.account_mails import queue_about_account
from mountify.services.accounts import Identity, identity_of
from mountify.services.email_addresses import canonical, is_address
from mountify.transaction import transaction, violated

P = ParamSpec("P")
R = TypeVar("R")
log = structlog.get_logger()

METHOD = "Google"
# What somebody else's sign-in may have stored between our look and our change.
_OVERTAKEN = frozenset({"uq_oauth_identities_issuer_subject", "uq_users_email"})


def _again_when_overtaken(function: Callable[P, R]) -> Callable[P, R]:
    """Decide anew, once, when another request has stored the same meanwhile, or closed the account."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except NotFound:
            return function(*args, **kwargs)
        except IntegrityError as error:
            if violated(error) not in _OVERTAKEN:
                raise
            return function(*args, **kwargs)

    return run


@_again_when_overtaken
def sign_in(google: GoogleAccount, *, now: datetime) -> Identity:
    """Say which account this is, and open one for somebody new.

    Raises AccountDisabled, NoEmailAtGoogle, EmailNotVerified, or AddressTaken: an account with this address exists,
    and is joined by its password alone (see `join`).
    """
    google = _with_our_spelling(google)
    with transaction() as session:
        # The address first: an account that another request opens meanwhile is then found by its identity.
        owner_id = session.scalar(select(User.id).where(User.email == google.email))
        owner = _find_owner(session, google)
        if owner is not None:
            return _open(owner)
        _insist_on_verified(google)
        user = _take_over(session, owner_id) if owner_id else User(email=google.email)
        user.name, user.email_confirmed_at = user.name or google.name, now
        session.add(user)
        session.flush()
        _add_identity(session, user, google)
        session.refresh(user)
        log.info("account_opened", account=user.id, method=METHOD)
        return _open(user)


def _take_over(session: Session, user_id: int) -> User:
    """An account that was asked for and never opened: nobody has shown yet that the address is theirs, Google does.

    Whoever asked for it may be a stranger, so the password that was chosen does not stay. Raises AddressTaken.
    """
    user = accounts.lock(session, user_id)
    if user.is_confirmed or user.is_disabled:
        raise AddressTaken
    user.change_password(None)
    return user


@_again_when_overtaken
def join(google: GoogleAccount, password: str, *, cost: int, site: Site, now: datetime) -> Identity:
    """Connect somebody at Google to the account with the same address, by its password.

    The address counts as confirmed from now on, for Google has verified it. Raises BadCredentials, the same for a wrong
    password, an account without one, and a closed or vanished account; EmailNotVerified; ConnectedElsewhere.
    """
    google = _with_our_spelling(google)
    _insist_on_verified(google)
    seen = db.session.scalars(select(User).where(User.email == google.email)).one_or_none()
    db.release()
    if not passwords.fits(password, seen.password_hash if seen else None, cost=cost) or seen is None:
        raise BadCredentials
    with transaction() as session:
        user = accounts.lock(session, seen.id)
        if user.is_disabled or user.password_hash != seen.password_hash:
            raise BadCredentials
        _connect(session, user, google, site=site, now=now)
        return _open(user)


@_again_when_overtaken
def connect(who: Identity, google: GoogleAccount, *, site: Site, now: datetime) -> None:
    """Let somebody who is signed in sign in with Google as well, whatever their address there; twice changes nothing.

    Raises NoEmailAtGoogle, EmailNotVerified, AccountDisabled or ConnectedElsewhere; SignInNeeded when every sign-in of
    the account was ended while Google was asked.
    """
    google = _with_our_spelling(google)
    _insist_on_verified(google)
    with transaction() as session:
        user = accounts.lock(session, who.id)
        _open(user)
        if user.auth_version != who.auth_version:
            raise SignInNeeded
        _connect(session, user, google, site=site, now=now)


def prove(user_id: int, google: GoogleAccount) -> Identity:
    """Say who is signed in, when it is they who came back from Google. Raises OtherGoogleAccount or AccountDisabled."""
    owner = _find_owner(db.session(), google)
    if owner is None or owner.id != user_id:
        raise OtherGoogleAccount
    return _open(owner)


def find_subject(user_id: int) -> str | None:
    """Find who at Google is to be asked for an account: of several the first."""
    first = next(iter(list_identities(user_id)), None)
    db.release()
    return first.subject if first is not None else None


def list_identities(user_id: int) -> Sequence[OAuthIdentity]:
    """List who at Google signs in to an account, oldest first."""
    mine = select(OAuthIdentity).where(OAuthIdentity.user_id == user_id)
    return db.session.scalars(mine.order_by(OAuthIdentity.id)).all()


def disconnect(user_id: int, identity_id: int, *, site: Site, now: datetime) -> None:
    """Let Google sign in no more, and tell the owner. Raises NotFound, or LastWayIn when nothing else would be left."""
    with transaction() as session:
        user = accounts.lock(session, user_id)  # two at once would each find the other one left
        identity = session.get(OAuthIdentity, identity_id)
        if identity is None or identity.user_id != user_id:
            raise NotFound
        count = select(func.count()).select_from(OAuthIdentity).where(OAuthIdentity.user_id == user_id)
        if user.password_hash is None and session.scalar(count) == 1:
            raise LastWayIn
        session.delete(identity)
        key = f"sign_in_removed:{identity.id}"
        queue_about_account("sign_in_removed", session, user, key=key, site=site, now=now, method=METHOD)
        log.info("sign_in_method_removed", account=user_id, method=METHOD)


def _with_our_spelling(google: GoogleAccount) -> GoogleAccount:
    """Write the address as ours are written; one that no mail of ours can go to is none."""
    email = canonical(google.email)
    return replace(google, email=email if is_address(email) else "")


def _find_owner(session: Session, google: GoogleAccount) -> User | None:
    owners = select(User).join(OAuthIdentity, OAuthIdentity.user_id == User.id)
    same = OAuthIdentity.issuer == google.issuer, OAuthIdentity.subject == google.subject
    return session.scalars(owners.where(*same)).one_or_none()


def _insist_on_verified(google: GoogleAccount) -> None:
    if not google.email:
        raise NoEmailAtGoogle
    if not google.is_verified:
        raise EmailNotVerified


def _connect(session: Session, user: User, google: GoogleAccount, *, site: Site, now: datetime) -> None:
    """Add the identity to a locked account, confirm the address that Google vouches for, and tell the owner."""
    owner = _find_owner(session, google)
    if owner is not None and owner.id != user.id:
        raise ConnectedElsewhere
    if user.email_confirmed_at is None and user.email.lower() == google.email.lower():
        user.email_confirmed_at = now
    if owner is not None:
        return
    identity = _add_identity(session, user, google)
    key = f"sign_in_added:{identity.id}"
    queue_about_account("sign_in_added", session, user, key=key, site=site, now=now, method=METHOD)
    log.info("sign_in_method_added", account=user.id, method=METHOD)


def _add_identity(session: Session, user: User, google: GoogleAccount) -> OAuthIdentity:
    identity = OAuthIdentity(issuer=google.issuer, subject=google.subject, user_id=user.id)
    session.add(identity)
    session.flush()
    return identity


def _open(user: User) -> Identity:
    """Say who an account is. Raises AccountDisabled."""
    if user.is_disabled:
        raise AccountDisabled
    return identity_of(user)
