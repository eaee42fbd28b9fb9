"""Settings from the environment: typed, listed once, checked when a process starts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mountify.core.senders import is_sender
from mountify.core.site import Site
from mountify.core.texts import read_whole

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
LEAST_SECRET = 32
GOOGLE = "https://accounts.google.com"
EXAMPLE_SECRETS = frozenset({"changeme", "change-me", "secret", "please-change-this-secret-before-you-start"})


class ConfigError(Exception):
    """One sentence that names the variable and what is wrong with it."""


@dataclass(frozen=True)
class Config:
    """What a process needs to know. Addresses are URLs; seconds and bytes are named so."""

    database_url: str
    redis_url: str
    secret_key: str = field(repr=False)
    base_url: str
    stripe_secret_key: str = field(repr=False)
    stripe_webhook_secrets: tuple[str, ...] = field(repr=False)
    resend_api_key: str = field(repr=False)
    stripe_api_base: str | None = None
    resend_api_url: str | None = None
    cloudinary_url: str | None = field(default=None, repr=False)
    google_client_id: str | None = None
    google_client_secret: str = field(default="", repr=False)
    google_issuer: str = GOOGLE
    mail_from: str = "Mountify <orders@mountify.example>"
    static_url: str = "/static"
    trusted_proxies: int = 0
    currency: str = "USD"
    timezone: str = "UTC"
    bcrypt_cost: int = 10
    rate_limits: bool = True

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def is_production(self) -> bool:
        return urlsplit(self.base_url).hostname not in LOOPBACK

    @property
    def origin(self) -> str:
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def site(self) -> Site:
        return Site(self.base_url, self.secret_key, self.currency, self.timezone)

    @property
    def static_origin(self) -> str:
        """Where static files come from when that is not the shop itself."""
        return _origin(self.static_url) if "://" in self.static_url else ""

    @property
    def image_origin(self) -> str:
        """Where uploaded pictures come from: Cloudinary's delivery host, or the sandbox's."""
        if self.cloudinary_url is None:
            return ""
        prefix = parse_qs(urlsplit(self.cloudinary_url).query).get("upload_prefix")
        return _origin(prefix[0]) if prefix else "https://res.cloudinary.com"

    @property
    def is_stripe_live(self) -> bool:
        return self.stripe_secret_key.startswith(("sk_live_", "rk_live_"))

    @property
    def checkout_origins(self) -> tuple[str, ...]:
        """Where a form of ours may lead to: Stripe's hosted page, or the sandbox's."""
        return (_origin(self.stripe_api_base),) if self.stripe_api_base else ("https://checkout.stripe.com",)

    @property
    def google_origin(self) -> str:
        """Where the button "Continue with Google" leads to; empty while there is none."""
        return _origin(self.google_issuer) if self.google_client_id else ""


def load(environ: Mapping[str, str]) -> Config:
    """Read and check every variable. Raises ConfigError with one sentence about the first that is wrong."""
    base_url = _base_url(environ.get("BASE_URL") or f"http://127.0.0.1:{_port(environ)}")
    production = urlsplit(base_url).hostname not in LOOPBACK
    stripe_key = _required(environ, "STRIPE_SECRET_KEY")
    if not re.match(r"(sk|rk)_(test|live)_\w+$", stripe_key):
        raise ConfigError("STRIPE_SECRET_KEY must begin with sk_test_, sk_live_, rk_test_ or rk_live_.")
    google_id, google_secret = _google_client(environ)
    if production and "MOUNTIFY_CHECKPOINTS" in environ:
        raise ConfigError("MOUNTIFY_CHECKPOINTS is for tests on a loopback address and must not be set in production.")
    return Config(
        database_url=database_url(environ),
        redis_url=_url(environ, "REDIS_URL", {"redis", "rediss"}),
        secret_key=_secret(environ),
        base_url=base_url,
        stripe_secret_key=stripe_key,
        stripe_webhook_secrets=_webhook_secrets(environ),
        resend_api_key=_required(environ, "RESEND_API_KEY"),
        stripe_api_base=_optional_url(environ, "STRIPE_API_BASE"),
        resend_api_url=_optional_url(environ, "RESEND_API_URL"),
        cloudinary_url=_cloudinary_url(environ),
        google_client_id=google_id,
        google_client_secret=google_secret,
        google_issuer=_google_issuer(environ),
        mail_from=_mail_from(environ),
        static_url=_optional_url(environ, "STATIC_URL") or "/static",
        trusted_proxies=_whole(environ, "TRUSTED_PROXIES", 0, 0, 10),
        currency=_currency(environ),
        timezone=_timezone(environ),
        bcrypt_cost=_whole(environ, "BCRYPT_COST", 10, 10, 16),
    )


def database_url(environ: Mapping[str, str]) -> str:
    """Read DATABASE_URL in SQLAlchemy's spelling. Raises ConfigError when it cannot be parsed."""
    url = _url(environ, "DATABASE_URL", {"postgres", "postgresql", "postgresql+psycopg"})
    if len(urlsplit(url).path) < 2:
        raise ConfigError("DATABASE_URL must end with the name of a database, such as postgresql://host/mountify.")
    return re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", url)


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is missing. See .env.example for what it holds.")
    return value


def _url(environ: Mapping[str, str], name: str, schemes: set[str]) -> str:
    value = _required(environ, name)
    try:
        parts = urlsplit(value)
        readable = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        readable = False
    if not readable:
        raise ConfigError(
            f"{name} cannot be read. It must look like {sorted(schemes)[-1]}://user:password@host:port/name."
        )
    return value


def _optional_url(environ: Mapping[str, str], name: str) -> str | None:
    return _url(environ, name, {"http", "https"}).rstrip("/") if environ.get(name) else None


def _base_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        readable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.path in {"", "/"}
        _ = parts.port
    except ValueError:
        readable = False
    if not readable:
        raise ConfigError("BASE_URL must be the shop's address without a path, such as https://shop.example.")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ConfigError("BASE_URL must begin with https:// unless it is on this machine (127.0.0.1 or localhost).")
    return value.rstrip("/")


def _secret(environ: Mapping[str, str]) -> str:
    value = _required(environ, "SECRET_KEY")
    if len(value) < LEAST_SECRET or value.lower() in EXAMPLE_SECRETS or len(set(value)) < 8:
        raise ConfigError(f"SECRET_KEY must be random and at least {LEAST_SECRET} characters long.")
    return value


def _webhook_secrets(environ: Mapping[str, str]) -> tuple[str, ...]:
    secrets = tuple(part.strip() for part in _required(environ, "STRIPE_WEBHOOK_SECRET").split(",") if part.strip())
    if not secrets or len(secrets) > 2 or any(len(secret) < 16 for secret in secrets):
        raise ConfigError("STRIPE_WEBHOOK_SECRET must be one secret, or the current and the previous one with a comma.")
    return secrets


def _cloudinary_url(environ: Mapping[str, str]) -> str | None:
    """https://cloudinary.com/documentation/django_integration#configuration; the SDK takes no other form."""
    value = environ.get("CLOUDINARY_URL", "").strip()
    if not value:
        return None
    if not re.fullmatch(r"cloudinary://[^:/@?\s]+:[^:/@?\s]+@[\w-]+(\?upload_prefix=https?://[^\s&]+)?", value):
        raise ConfigError("CLOUDINARY_URL must look like cloudinary://key:secret@cloud.")
    return value


def _google_client(environ: Mapping[str, str]) -> tuple[str | None, str]:
    """https://developers.google.com/identity/openid-connect/openid-connect#getcredentials"""
    client_id, secret = (environ.get(name, "").strip() for name in ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"))
    if bool(client_id) != bool(secret):
        missing = "GOOGLE_CLIENT_SECRET" if client_id else "GOOGLE_CLIENT_ID"
        raise ConfigError(f"GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET go together, and {missing} is missing.")
    return client_id or None, secret


def _google_issuer(environ: Mapping[str, str]) -> str:
    issuer = _optional_url(environ, "GOOGLE_ISSUER") or GOOGLE
    parts = urlsplit(issuer)
    if parts.query or parts.fragment or (parts.scheme == "http" and parts.hostname not in LOOPBACK):
        raise ConfigError(
            "GOOGLE_ISSUER must be an https address without a query, such as https://accounts.google.com."
        )
    return issuer


def _mail_from(environ: Mapping[str, str]) -> str:
    value = environ.get("MAIL_FROM") or Config.mail_from
    if not is_sender(value):
        raise ConfigError("MAIL_FROM must be an address such as Shop <orders@shop.example>.")
    return value


def _currency(environ: Mapping[str, str]) -> str:
    value = (environ.get("CURRENCY") or "USD").upper()
    if not re.fullmatch(r"[A-Z]{3}", value):
        raise ConfigError("CURRENCY must be a code of three letters, such as USD.")
    return value


def _timezone(environ: Mapping[str, str]) -> str:
    value = environ.get("SHOP_TIMEZONE") or "UTC"
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError("SHOP_TIMEZONE must be a name such as Europe/Berlin.") from error
    return value


def _port(environ: Mapping[str, str]) -> int:
    return _whole(environ, "PORT", 3000, 1, 65535)


def _whole(environ: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = environ.get(name) or str(default)
    number = read_whole(text)
    if number is None or not least <= number <= most:
        raise ConfigError(f"{name} must be a whole number from {least} to {most}.")
    return number


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
