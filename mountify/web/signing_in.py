"""What happens when somebody has proved who they are, whichever way."""

from __future__ import annotations

from flask import flash, request

from mountify.core.clock import utcnow
from mountify.services import cart_merge
from mountify.services.accounts import Identity
from mountify.web import cart_words
from mountify.web.auth import find_cart_owner, forget_cart, settings, shop_session


def sign_in(who: Identity) -> None:
    """Begin a session under a new id, and let the guest's cart come along."""
    guest = find_cart_owner()
    shop_session().sign_in(who, request, settings().secret_key)
    if guest is not None and guest.token is not None:
        _take_along(guest.token, who.id)


def _take_along(token: str, user_id: int) -> None:
    """The guest's cart and pending order become the account's."""
    merged = cart_merge.merge(token, user_id, now=utcnow())
    forget_cart()
    for sentence in cart_words.of_merge(merged):
        flash(sentence, "warn")
