"""How often somebody may try. Counted in Redis in a moving window; in memory while Redis is down; never an error."""

from __future__ import annotations

import math
import time
from ipaddress import IPv6Address, ip_address, ip_network

from flask import Flask, g, request
from flask_limiter import Limiter
from redis.exceptions import RedisError

from mountify.config import Config
from mountify.core.tokens import hash_token
from mountify.store import TIMEOUT_S
from mountify.web.auth import identity

CHECKOUTS = "10/minute"  # by page and by API together
UNKNOWN_WAIT_S = 60
_DOWN = (RedisError, OSError)


def caller() -> str:
    """The signed-in account, else the client's address."""
    who = identity()
    return f"user:{who.id}" if who else address()


def address() -> str:
    """The client's address as the trusted proxies report it; of IPv6 its network, since all of it is one client's."""
    given = request.remote_addr or ""
    try:
        client = ip_address(given)
    except ValueError:
        return f"address:{given}"
    if isinstance(client, IPv6Address):
        return f"address:{client.ipv4_mapped or ip_network((client, 64), strict=False)}"
    return f"address:{client}"


class _Limiter(Limiter):
    """Counts in memory once Redis fails, also for those who were asking it when the first of them found out."""

    def init_app(self, app: Flask) -> None:
        super().init_app(app)
        self._storage_dead = False  # this app's Redis has not failed yet

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        try:
            super()._check_request_limit(callable_name, in_middleware)
        except _DOWN:  # somebody else's question has failed first, and the library raises ours
            super()._check_request_limit(callable_name, in_middleware)


limiter = _Limiter(
    key_func=caller,
    strategy="moving-window",
    in_memory_fallback_enabled=True,
    headers_enabled=False,
    swallow_errors=False,
    key_prefix="limit",
)


@limiter.shared_limit("10/5 minutes", scope="sign-in", key_func=address)
def _count_sign_in_from() -> None: ...


@limiter.shared_limit("10/5 minutes", scope="sign-in", key_func=lambda: _account_named())
def _count_sign_in_to() -> None: ...


def count_sign_in(email: str) -> None:
    """Count a try with a password, by page or API, whoever the account is. What was no try is not counted.

    Whoever has no tries left takes none from the accounts they name: they would lock out one after the other.
    """
    g.account_named = email
    _count_sign_in_from()
    _count_sign_in_to()


@limiter.shared_limit("10/5 minutes", scope="proof")
def count_proof() -> None:
    """Count a password of somebody who is signed in: strangers' tries for the account do not count here."""


@limiter.shared_limit("3/15 minutes", scope="new-email")
def count_new_email() -> None: ...


@limiter.shared_limit("5/10 minutes", scope="register", key_func=address)
def count_registration() -> None: ...


@limiter.shared_limit("10/5 minutes", scope="forgot", key_func=address)
def count_forgotten() -> None: ...


@limiter.shared_limit("10/15 minutes", scope="reset", key_func=address)
def count_reset() -> None:
    """Count a try of a link, whatever it is for."""


@limiter.shared_limit("3/15 minutes", scope="change-password")
def count_password_change() -> None: ...


def _account_named() -> str:
    """Hashed, so that no address lies in Redis."""
    return f"account:{hash_token(g.account_named.strip().lower())}"


def init_limits(app: Flask, config: Config) -> None:
    app.config["RATELIMIT_STORAGE_URI"] = config.redis_url
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
    app.config["RATELIMIT_ENABLED"] = config.rate_limits
    limiter.init_app(app)


def seconds_to_wait() -> int:
    """Say in how many whole seconds the breached limit lets somebody in again."""
    try:
        current = limiter.current_limit
        if current is None:
            return UNKNOWN_WAIT_S
        opens_at, _left = current.window  # its reset_at is rounded up by a second
        return max(1, math.ceil(opens_at - time.time()))
    except _DOWN:
        return UNKNOWN_WAIT_S
