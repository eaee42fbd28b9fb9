"""Questions about an installation, answered in plain words."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy.exc import SQLAlchemyError

from mountify import db
from mountify.config import GOOGLE, Config, ConfigError, load
from mountify.core.clock import utcnow
from mountify.services.prices import list_unpayable
from mountify.services.readiness import find_trouble
from mountify.store import Store, StoreDown

TIMEOUT_S = 3
MOST_NAMED = 5


@dataclass(frozen=True)
class Finding:
    part: str
    words: str
    is_well: bool = True


def examine(environ: Mapping[str, str], embedded: Set[str] = frozenset()) -> list[Finding]:
    """Look at configuration, database, Redis, worker, the services outside, the shop's address and its prices.

    `embedded` names the variables that nobody set: their part is from the box.
    """
    try:
        config = load(environ)
    except ConfigError as error:
        return [Finding("configuration", str(error), is_well=False)]
    kind = "for production" if config.is_production else "for this machine"
    kinds = dict.fromkeys(embedded, "embedded ")
    questions: tuple[Callable[[Config], Finding], ...] = (
        lambda config: _database(config, kinds.get("DATABASE_URL", "")),
        lambda config: _redis(config, kinds.get("REDIS_URL", "")),
        _worker,
        _stripe,
        _resend,
        _cloudinary,
        _google,
        _web,
        _prices,
    )
    return [
        Finding("configuration", f"complete, {kind}, currency {config.currency}"),
        *(ask(config) for ask in questions),
    ]


def _database(config: Config, kind: str) -> Finding:
    where = f"{kind}PostgreSQL at {_where(config.database_url)}"
    db.connect(config.database_url)
    if find_trouble(now=utcnow()) == "database":
        return Finding("database", f"{where} does not answer", is_well=False)
    from mountify import schema

    missing = schema.missing_revisions(config.database_url)
    if missing:
        return Finding("database", f"{where} lacks {missing} migrations; run `mountify migrate`", is_well=False)
    return Finding("database", f"{where} answers and is up to date")


def _redis(config: Config, kind: str) -> Finding:
    where = f"{kind}Redis at {_where(config.redis_url)}"
    try:
        Store(config.redis_url).ask(lambda redis: redis.ping())
    except StoreDown:
        return Finding("redis", f"{where} does not answer; the shop sells, but more slowly", is_well=False)
    return Finding("redis", f"{where} answers")


def _worker(config: Config) -> Finding:
    words = {
        "worker": "no worker is alive, so nothing is settled or sent; start one with `mountify worker`",
        "queue": "jobs wait for more than a minute and none begins or ends: the worker is stuck; restart it",
        "database": "nothing can be said while the database does not answer",
    }
    trouble = find_trouble(now=utcnow())
    return Finding("worker", words[trouble] if trouble else "a worker is alive", is_well=trouble is None)


def _stripe(config: Config) -> Finding:
    if config.stripe_api_base:
        return _vendor("stripe", "the sandbox", config.stripe_api_base)
    return _vendor("stripe", f"Stripe, {'live' if config.is_stripe_live else 'test'} mode", "https://api.stripe.com")


def _resend(config: Config) -> Finding:
    if config.resend_api_url:
        return _vendor("resend", "the sandbox", config.resend_api_url)
    return _vendor("resend", "Resend", "https://api.resend.com")


def _cloudinary(config: Config) -> Finding:
    if not config.cloudinary_url:
        return Finding("cloudinary", "not configured; pictures come from the shop's own static folder")
    name = "Cloudinary" if config.image_origin == "https://res.cloudinary.com" else "the sandbox"
    return _vendor("cloudinary", name, config.image_origin)


def _google(config: Config) -> Finding:
    if config.google_client_id is None:
        return Finding("google", "not configured; nobody signs in with it")
    return _vendor("google", "Google" if config.google_issuer == GOOGLE else "the sandbox", config.google_issuer)


def _web(config: Config) -> Finding:
    return _vendor("shop", "the shop", config.base_url)


def _prices(config: Config) -> Finding:
    """Where the currency was changed, the prices were not."""
    try:
        wrong = list_unpayable(config.currency)
    except SQLAlchemyError:
        db.release()
        return Finding("prices", "nothing can be said before the database is well", is_well=False)
    if not wrong:
        return Finding("prices", f"each can be paid in {config.currency}")
    more = f" and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    named = ", ".join(wrong[:MOST_NAMED]) + more
    return Finding(
        "prices", f"{config.currency} has no such fractions, so nobody can pay {named}; set whole prices", is_well=False
    )


def _vendor(part: str, name: str, url: str) -> Finding:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=TIMEOUT_S).close()
    except OSError:
        return Finding(part, f"{name} at {url} cannot be reached", is_well=False)
    return Finding(part, f"{name} at {url} can be reached")


def _where(url: str) -> str:
    """The address without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port}{parts.path}" if parts.port else f"{parts.hostname}{parts.path}"
