"""How often somebody may try. Counted in Redis in a moving window; in memory while Redis is down; never an error."""

from __future__ import annotations

import math
import time

from flask import Flask, request
from flask_limiter import Limiter

from mountify.config import Config
from mountify.core.tokens import hash_token
from mountify.store import TIMEOUT_S
from mountify.web.auth import identity

CHECKOUTS = "10/minute"  # by page and by API together


def caller() -> str:
    """The signed-in account, else the address as the trusted proxies report it."""
    who = identity()
    return f"user:{who.id}" if who else f"address:{request.remote_addr}"


def address() -> str:
    return f"address:{request.remote_addr}"


def account_named() -> str:
    """The account a form is about; hashed, so that no address lies in Redis."""
    return f"account:{hash_token(request.form.get('email', '').strip().lower())}"


limiter = Limiter(
    key_func=caller,
    strategy="moving-window",
    in_memory_fallback_enabled=True,
    headers_enabled=False,
    swallow_errors=False,
    key_prefix="limit",
)


def init_limits(app: Flask, config: Config) -> None:
    app.config["RATELIMIT_STORAGE_URI"] = config.redis_url
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": TIMEOUT_S, "socket_connect_timeout": TIMEOUT_S}
    app.config["RATELIMIT_ENABLED"] = config.rate_limits
    limiter.init_app(app)


def seconds_to_wait() -> int:
    """Say in how many whole seconds the breached limit lets somebody in again."""
    current = limiter.current_limit
    return max(1, math.ceil(current.reset_at - time.time())) if current else 60
