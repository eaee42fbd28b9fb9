"""Who is asking: read from the session, never from the database."""

from __future__ import annotations

from typing import cast

from flask import Flask, current_app, g, request, session
from flask_login import LoginManager, UserMixin

from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.errors.accounts import NotAllowed, ProofNeeded, SignInNeeded
from mountify.core.tokens import is_token, new_token
from mountify.models.account import Role
from mountify.services import carts
from mountify.services.accounts import Identity
from mountify.services.audit_log import Actor
from mountify.services.cart_view import CartOwner
from mountify.web.sessions import ShopSession

CART_COOKIE = "cart"
CART_COOKIE_S = 90 * 24 * 3600
PROOF_LASTS_S = 600


class SignedIn(UserMixin):
    """The account behind the session, as templates and Flask-Login see it."""

    def __init__(self, who: Identity) -> None:
        self.id, self.email, self.name = who.id, who.email, who.name
        self.role, self.is_staff, self.is_admin = who.role, who.is_staff, who.role is Role.ADMIN


def init_auth(app: Flask) -> None:
    manager = LoginManager(app)
    manager.session_protection = None
    manager.request_loader(lambda _request: SignedIn(who) if (who := identity()) else None)


def settings() -> Config:
    return cast(Config, current_app.config["SHOP"])


def shop_session() -> ShopSession:
    return cast(ShopSession, session._get_current_object())  # type: ignore[attr-defined]


def identity() -> Identity | None:
    return shop_session().identity


def require_identity() -> Identity:
    """Say who is asking. Raises SignInNeeded."""
    who = identity()
    if who is None:
        raise SignInNeeded
    return who


def require_proof() -> Identity:
    """Say who is asking, when they have shown it just now. Raises SignInNeeded or ProofNeeded."""
    who = require_identity()
    if utcnow().timestamp() - who.proved_at > PROOF_LASTS_S:
        raise ProofNeeded
    return who


def require_staff() -> Identity:
    """Say who of the office is asking. Raises SignInNeeded or NotAllowed."""
    who = require_identity()
    if not who.is_staff:
        raise NotAllowed
    return who


def require_admin() -> Identity:
    """Say who of those that run the shop is asking. Raises SignInNeeded or NotAllowed."""
    who = require_identity()
    if who.role is not Role.ADMIN:
        raise NotAllowed
    return who


def actor() -> Actor:
    """Say who of the office acts, and from where, for the audit log. Raises SignInNeeded or NotAllowed."""
    return Actor(require_staff().id, request.remote_addr or "")


def find_cart_owner() -> CartOwner | None:
    """Say whose cart this request is about, None for a reader who has none."""
    who = identity()
    if who is not None:
        return CartOwner(user_id=who.id)
    token = g.get("cart_token") or request.cookies.get(CART_COOKIE, "")
    return CartOwner(token=token) if is_token(token) else None


def cart_owner() -> CartOwner:
    """Say whose cart this request puts something into: a guest without a cart gets a new token (see keep_cart).

    A token that leads to no cart is not taken over: somebody else may have put it into this browser.
    """
    owner = find_cart_owner()
    if owner is None or (owner.token is not None and not carts.exists(owner)):
        return CartOwner(token=new_token())
    return owner


def keep_cart(owner: CartOwner) -> None:
    """Let the guest's browser keep the token of a cart that holds something now, for another 90 days."""
    if owner.token is not None:
        g.cart_token = owner.token


def forget_cart() -> None:
    """The guest's cart has moved into the account's: the token leads nowhere any more."""
    g.cart_token = ""
