"""What happens when somebody has proved who they are, whichever way."""

from __future__ import annotations

import structlog
from flask import Flask, flash, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from mountify.core.clock import utcnow
from mountify.core.errors.accounts import SignInNeeded
from mountify.core.tokens import is_token
from mountify.services import cart_merge
from mountify.services.accounts import Identity
from mountify.web import cart_words
from mountify.web.auth import CART_COOKIE, find_cart_owner, forget_cart, identity, settings, shop_session

log = structlog.get_logger()


def init_signing_in(app: Flask) -> None:
    app.before_request(_bring_what_was_left)


def sign_in(who: Identity) -> None:
    """Begin a session under a new id, and let the guest's cart come along."""
    guest = find_cart_owner()
    shop_session().sign_in(who, request, settings().secret_key)
    if guest is not None and guest.token is not None:
        _take_along(guest.token, who.id)


def _bring_what_was_left() -> None:
    """Who is signed in and still has a guest's cookie could not take that cart along: now perhaps."""
    token = request.cookies.get(CART_COOKIE)
    if token is not None and is_token(token) and (who := identity()) is not None:
        _take_along(token, who.id)


def _take_along(token: str, user_id: int) -> None:
    """The guest's cart and pending order become the account's; what fails keeps nobody out, and is tried again."""
    try:
        merged = cart_merge.merge(token, user_id, now=utcnow())
    except (OperationalError, NoConnectionLeft, SignInNeeded) as error:
        log.warning("cart_left_behind", why=type(getattr(error, "orig", error)).__name__)
        return
    forget_cart()
    for sentence in cart_words.of_merge(merged):
        flash(sentence, "warn")
