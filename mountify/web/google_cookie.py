"""What a browser remembers between the steps of a sign-in with Google, for ten minutes.

A signed cookie and not the session: it works while Redis is away, and a guest who turns back leaves no session behind.
It is HttpOnly, and Lax, so that it comes along when Google sends the browser back. It is good for the session it was
given in, or for none: a sign-in that was begun as somebody ends as the same. Nobody who reads it learns anything, for
nonce and verifier are made of the state and the shop's secret.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from flask import Response, g, request
from itsdangerous import BadData, URLSafeSerializer

from mountify.config import Config
from mountify.core.tokens import hash_token
from mountify.web.auth import settings, shop_session

LASTS = timedelta(minutes=10)


def cookie_name(config: Config) -> str:
    """The prefix keeps neighbouring hosts from planting one. https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes"""
    return "__Host-google" if config.is_https else "google"


def remember(step: str, content: dict[str, Any], *, now: datetime) -> None:
    """Give a step of a sign-in to the browser, in place of the one before."""
    until = int((now + LASTS).timestamp())
    g.google_cookie = str(_signer(step).dumps({"until": until, "session": _session_mark(), "content": content}))


def recall(step: str, *, now: datetime) -> dict[str, Any] | None:
    """Take back what was given for this step; None when it is too old, not from us, or of another session."""
    try:
        given = _signer(step).loads(request.cookies.get(cookie_name(settings()), ""))
    except BadData:
        return None
    if given["until"] <= now.timestamp() or given["session"] != _session_mark():
        return None
    return cast(dict[str, Any], given["content"])


def forget() -> None:
    """A step is good once."""
    g.google_cookie = ""


def send(response: Response) -> Response:
    """Put onto an answer what was remembered or forgotten while it was made."""
    config, value = settings(), g.get("google_cookie")
    if value:
        response.set_cookie(
            cookie_name(config),
            value,
            max_age=int(LASTS.total_seconds()),
            secure=config.is_https,
            httponly=True,
            samesite="Lax",
        )
    elif value == "":
        response.delete_cookie(cookie_name(config), secure=config.is_https, httponly=True)
    return response


def _session_mark() -> str:
    session = shop_session()
    return hash_token(session.token) if session.identity is not None and session.token is not None else ""


def _signer(step: str) -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt=f"google-{step}")
