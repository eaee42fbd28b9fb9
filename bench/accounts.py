"""Does an answer's time tell whether an address has an account? `make bench` asks both, in turns, and compares.

Ratios inside one run, never seconds: machines differ. Ends with 1 when one of the two takes noticeably longer.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter

from mountify import db, logs, schema
from mountify.app import create_app
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.embedded import EmbeddedPostgres, EmbeddedRedis
from mountify.models.account import Role
from mountify.services import accounts, settings
from mountify.services.audit_log import TERMINAL

ROUNDS = 60
MOST_APART = 1.15  # of two medians; what the network adds to either is many times that
ORIGIN = "http://127.0.0.1:3999"
PASSWORD, WRONG = "a long and boring password", "not the password"
KNOWN = "alice@example.com"


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="mountify-bench-") as folder:
        postgres, redis = EmbeddedPostgres(Path(folder) / "postgres"), EmbeddedRedis(Path(folder) / "redis")
        try:
            return _compare(_config(postgres.start(), redis.start()))
        finally:
            db.release()
            postgres.stop()
            redis.stop()


def _config(database_url: str, redis_url: str) -> Config:
    return Config(
        database_url=database_url,
        redis_url=redis_url,
        secret_key="a-secret-that-only-the-bench-knows-0123456789",
        base_url=ORIGIN,
        stripe_secret_key="sk_test_bench",
        stripe_webhook_secrets=("whsec_only_for_the_bench",),
        resend_api_key="re_bench",
        rate_limits=False,
    )


def _compare(config: Config) -> int:
    logs.configure(least=logging.ERROR)
    schema.upgrade(config.database_url)
    db.connect(config.database_url)
    settings.change(TERMINAL, currency="USD", now=utcnow(), name="Mountify")
    accounts.create(KNOWN, PASSWORD, role=Role.CUSTOMER, name="Alice", now=utcnow())
    post = _poster(config)
    asked: dict[str, tuple[str, dict[str, str]]] = {
        "sign in": ("/auth/signin", {"password": WRONG}),
        "register": ("/auth/register", {"password": PASSWORD}),
        "forgot password": ("/auth/forgot-password", {}),
    }
    apart = {name: _ratio(post, path, form) for name, (path, form) in asked.items()}
    print(json.dumps({"known over unknown": {name: round(ratio, 3) for name, ratio in apart.items()}}))
    return int(any(not 1 / MOST_APART < ratio < MOST_APART for ratio in apart.values()))


def _poster(config: Config) -> Callable[[str, dict[str, str]], float]:
    """A browser without cookies, and how long the shop takes to answer it, in seconds."""
    app = create_app(config)

    def post(path: str, form: dict[str, str]) -> float:
        client = app.test_client()
        begun = perf_counter()
        answer = client.post(path, data=form, base_url=ORIGIN, headers={"Sec-Fetch-Site": "same-origin"})
        took = perf_counter() - begun
        assert answer.status_code in (303, 401), answer.status_code
        return took

    return post


def _ratio(post: Callable[[str, dict[str, str]], float], path: str, form: dict[str, str]) -> float:
    """Ask about a known and an unknown address in turns, and compare the medians."""
    known, unknown = [], []
    for number in range(ROUNDS):
        known.append(post(path, {**form, "email": KNOWN}))
        unknown.append(post(path, {**form, "email": f"nobody{number}@example.com"}))
    return median(known) / median(unknown)


if __name__ == "__main__":
    sys.exit(main())
