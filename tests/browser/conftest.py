"""A real Chromium before a real shop (web server, worker, sandbox): the same test with and without script.

With LOOK=1 in the environment, every page that a test looks at is kept: `look(name)` saves what the shopper sees to
var/screenshots/.
"""

from __future__ import annotations

import json
import os
import re
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from redis import Redis

from mountify import db
from mountify.core.clock import utcnow
from mountify.embedded.processes import free_port, wait_until
from mountify.services.audit import audit
from mountify.supervisor.house import SANDBOX_IMAGES
from tests.databases import fresh_database
from tests.running import ROOT, Supervisor, mountify

SCREENSHOTS = ROOT / "var" / "screenshots"
PASSWORDS = {"alice@mountify.example": "alice and her password", "admin@mountify.example": "the admin and the password"}


@dataclass
class Shop:
    """A running demo shop and the outside world around it."""

    url: str
    sandbox: str
    engine: sa.Engine
    env: dict[str, str]

    def one(self, query: str, **values: Any) -> Any:
        """The first column of the first row."""
        with self.engine.connect() as connection:
            return connection.scalar(sa.text(query), values)

    def do(self, change: str, **values: Any) -> None:
        """Set the stage for a test."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(change), values)

    def mails_to(self, address: str) -> list[dict[str, Any]]:
        with urllib.request.urlopen(f"{self.sandbox}/mailbox.json?with={quote(address)}") as answer:
            return [mail for mail in json.load(answer) if address in mail["to"]]

    def mail_to(self, address: str) -> dict[str, Any]:
        """Wait for the one mail to an address."""
        assert wait_until(lambda: len(self.mails_to(address)) > 0, 30), f"no mail to {address}"
        mails = self.mails_to(address)
        assert len(mails) == 1, [mail["subject"] for mail in mails]
        return mails[0]

    def newest_mail_to(self, address: str, *, more_than: int) -> dict[str, Any]:
        """Wait for one more mail to somebody who has had some."""
        assert wait_until(lambda: len(self.mails_to(address)) > more_than, 30), f"no more mail to {address}"
        return self.mails_to(address)[0]


@pytest.fixture(scope="session")
def shop(number: int, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    url = fresh_database(f"browser_{number}")
    folder = tmp_path_factory.mktemp("shop")
    (folder / "accounts.json").write_text(json.dumps(PASSWORDS))
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    redis = f"{redis_url.rsplit('/', 1)[0]}/{int(redis_url.rsplit('/', 1)[1]) + 8}"
    run = Supervisor(folder / "var", DATABASE_URL=url, REDIS_URL=redis, **ports)
    vendors = {
        "SECRET_KEY": "x-secret-of-the-browser-tests-0123456789",
        "STRIPE_SECRET_KEY": "sk_test_x",
        "STRIPE_WEBHOOK_SECRET": "whsec_0123456789abcdef",
        "RESEND_API_KEY": "re_x",
        "CLOUDINARY_URL": f"cloudinary://{SANDBOX_IMAGES}?upload_prefix=http://localhost:{ports['SANDBOX_PORT']}",
    }
    env = {**run.env, **vendors}
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        run.start().wait_until_ready()
        seeded = mountify("seed", "--demo", "--accounts", str(folder / "accounts.json"), env=env)
        assert seeded.returncode == 0, seeded.stderr
        yield Shop(f"http://127.0.0.1:{ports['PORT']}", f"http://localhost:{ports['SANDBOX_PORT']}", engine, env)
        assert run.stop() == 0
    finally:
        run.end()  # also one that never became ready, or was never filled
        run.wait()
        engine.dispose()


@pytest.fixture(params=["script", "no-script"])
def page(request: pytest.FixtureRequest, chromium: Browser, shop: Shop) -> Iterator[Page]:
    """A stranger's browser, with and without JavaScript. Anything the policy refuses or script throws is a failure."""
    has_script = request.param == "script"
    context = chromium.new_context(
        java_script_enabled=has_script,
        viewport={"width": 360, "height": 780},
        base_url=shop.url,
        reduced_motion="reduce",
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    troubles: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            troubles.append(message.text)

    page.on("console", heard)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    yield page
    context.close()
    assert troubles == []


def has_script(page: Page) -> bool:
    return bool(page.evaluate("typeof window.htmx") == "object")


@pytest.fixture
def look(request: pytest.FixtureRequest, page: Page) -> Callable[[str], None]:
    """Save what the shopper sees now, on a phone and on a desk, on light and dark paper."""

    def save(name: str) -> None:
        if not os.environ.get("LOOK"):
            return
        folder = SCREENSHOTS / re.sub(r"\W+", "-", request.node.name).strip("-")
        folder.mkdir(parents=True, exist_ok=True)
        for width in (360, 1440):
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.set_viewport_size({"width": width, "height": 780 if width == 360 else 900})
                page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)
        page.set_viewport_size({"width": 360, "height": 780})

    return save


@pytest.fixture(autouse=True)
def unlimited(shop: Shop) -> None:
    """Nobody has tried too often yet: every test is another shopper, although all come from one address."""
    with Redis.from_url(shop.env["REDIS_URL"]) as redis:
        for key in redis.scan_iter("LIMITS:*"):
            redis.delete(key)


@pytest.fixture(autouse=True)
def audited(shop: Shop) -> Iterator[None]:
    yield
    db.bind(shop.engine)
    try:
        assert audit(now=utcnow()) == []
    finally:
        db.release()


expect.set_options(timeout=15_000)
