"""Where a run keeps its things, which ports it takes, and what its parts are told."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from mountify.config import Config, ConfigError, load
from mountify.embedded import EmbeddedError
from mountify.embedded.processes import free_port, is_port_free

ROOT = Path(__file__).parent.parent.parent
TOLD = (
    *("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "BASE_URL", "PORT", "CURRENCY", "SHOP_TIMEZONE", "MAIL_FROM"),
    *(
        "STRIPE_SECRET_KEY",
        "STRIPE_WEBHOOK_SECRET",
        "STRIPE_API_BASE",
        "RESEND_API_KEY",
        "RESEND_API_URL",
        "CLOUDINARY_URL",
        "GOOGLE_CLIENT_ID",
        "GOOGLE_CLIENT_SECRET",
        "GOOGLE_ISSUER",
    ),
)
DEMO_ACCOUNTS = ("admin@mountify.example", "staff@mountify.example", "alice@mountify.example")
# What stands for a server that has no address yet, so that everything else can be checked before it is started.
_LATER = {"DATABASE_URL": "postgresql://later/later", "REDIS_URL": "redis://later/0"}

SANDBOX_IMAGES = "100000000000017:sandbox-secret@mountify"  # the one account the sandbox's Cloudinary knows
SANDBOX_GOOGLE = ("mountify.apps.googleusercontent.com", "GOCSPX-sandbox-secret")  # the shop's client at its Google


@dataclass(frozen=True)
class House:
    """One run's folder and ports. `needs_*` say what is started from the box because nobody configured another."""

    var: Path
    port: int
    sandbox_port: int
    needs_postgres: bool
    needs_redis: bool
    needs_sandbox: bool
    track17_key: str = field(repr=False)  # of the sandbox's 17TRACK account: drawn, never one that is configured

    @property
    def accounts(self) -> Path:
        return self.var / "demo-accounts.json"

    @property
    def sandbox_url(self) -> str:
        return f"http://localhost:{self.sandbox_port}"

    def folder(self, name: str) -> Path:
        path = self.var / name
        path.mkdir(mode=0o755 if name == "postgres" else 0o700, parents=True, exist_ok=True)
        return path


def var_folder(environ: Mapping[str, str]) -> Path:
    return Path(os.path.abspath(environ.get("MOUNTIFY_VAR") or ROOT / "var"))  # noqa: PTH100 - links stay links


def furnish(environ: Mapping[str, str]) -> tuple[House, dict[str, str]]:
    """Read what is configured and fill in the rest. Raises ConfigError or EmbeddedError with one sentence."""
    port, var = _port(environ, "PORT", 3000), var_folder(environ)
    drawn = _secrets(var)
    house = House(
        var=var,
        port=port,
        sandbox_port=_sandbox_port(environ, port),
        needs_postgres=not environ.get("DATABASE_URL"),
        needs_redis=not environ.get("REDIS_URL"),
        needs_sandbox=not environ.get("STRIPE_SECRET_KEY") or not environ.get("RESEND_API_KEY"),
        track17_key=drawn.pop("TRACK17_KEY"),
    )
    told = drawn | {name: value for name, value in environ.items() if value}
    if house.needs_sandbox:
        if not environ.get("STRIPE_SECRET_KEY"):
            told["STRIPE_API_BASE"] = house.sandbox_url
        if not environ.get("RESEND_API_KEY"):
            told["RESEND_API_URL"] = house.sandbox_url
        told.setdefault("CLOUDINARY_URL", f"cloudinary://{SANDBOX_IMAGES}?upload_prefix={house.sandbox_url}")
        if not environ.get("GOOGLE_CLIENT_ID"):
            told["GOOGLE_CLIENT_ID"], told["GOOGLE_CLIENT_SECRET"] = SANDBOX_GOOGLE
            told["GOOGLE_ISSUER"] = f"{house.sandbox_url}/google"
    if environ.get("STRIPE_SECRET_KEY") and not environ.get("STRIPE_WEBHOOK_SECRET"):
        del told["STRIPE_WEBHOOK_SECRET"]
    check({**_LATER, **told})
    return house, told


def check(told: Mapping[str, str]) -> Config:
    """Check the configuration before anything is started. Raises ConfigError."""
    return load(told)


def demo_accounts(house: House) -> dict[str, str]:
    """The demo accounts' passwords, drawn once."""
    return _drawn_once(
        house.accounts, {email: f"{secrets.token_hex(4)}-{secrets.token_hex(4)}" for email in DEMO_ACCOUNTS}
    )


def remember(house: House, told: Mapping[str, str]) -> None:
    """Keep what the parts are told while they run, so that commands by hand reach the same shop."""
    _keep(_remembered(house.var), {name: told[name] for name in TOLD if name in told})


def recall(environ: Mapping[str, str]) -> dict[str, str]:
    """What a running shop's parts were told; nothing when there is none, or when another database is configured."""
    path = _remembered(var_folder(environ))
    if environ.get("DATABASE_URL") or not path.exists():
        return {}
    return {str(name): str(value) for name, value in json.loads(path.read_text("utf-8")).items()}


def forget(var: Path) -> None:
    _remembered(var).unlink(missing_ok=True)


def _remembered(var: Path) -> Path:
    return var / "run" / "shop.json"


def _secrets(var: Path) -> dict[str, str]:
    return _drawn_once(
        var / "secrets.json",
        {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "STRIPE_SECRET_KEY": f"sk_test_{secrets.token_hex(16)}",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
            "RESEND_API_KEY": f"re_{secrets.token_hex(16)}",
            "TRACK17_KEY": secrets.token_hex(16).upper(),
        },
    )


def _drawn_once(path: Path, drawn: dict[str, str]) -> dict[str, str]:
    """Read what earlier runs have drawn, keep what is drawn now for the first time; for the owner's eyes only."""
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    if not set(drawn) <= set(kept):
        _keep(path, drawn | kept)
    return {name: str(kept.get(name, value)) for name, value in drawn.items()}


def _keep(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(values, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _sandbox_port(environ: Mapping[str, str], port: int) -> int:
    if environ.get("SANDBOX_PORT"):
        return _port(environ, "SANDBOX_PORT", 0)
    return port + 1 if port < 65535 and is_port_free(port + 1) else free_port()


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise ConfigError(f"{name} must be a whole number from 1 to 65535.")
    return int(text)


def insist_on_free_ports(house: House) -> None:
    """Raises EmbeddedError naming the port that is taken."""
    wanted = {"PORT": house.port} | ({"SANDBOX_PORT": house.sandbox_port} if house.needs_sandbox else {})
    for name, port in wanted.items():
        try:
            is_free = is_port_free(port)
        except PermissionError:
            _refuse(f"Port {port} may not be used by this account; choose one above 1023, such as {name}=3000.")
        if not is_free:
            _refuse(
                f"Port {port} is taken by another program; choose another one, such as: make run {name}={port + 10}"
            )


def _refuse(sentence: str) -> NoReturn:
    raise EmbeddedError(sentence)
