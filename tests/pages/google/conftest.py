"""A shop whose Google is the sandbox's, as its own process, and who visits it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import update
from werkzeug.test import TestResponse

from mountify import db
from mountify.app import create_app
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.gateways import Gateways, from_config
from mountify.models.account import UserSession
from tests.cast import is_signed_in
from tests.factories import make_shop
from tests.sandbox.conftest import sandbox, sandbox_of_the_run, shop, shop_of_the_run
from tests.sandbox.google_shop import CLIENT_ID, CLIENT_SECRET, answer_of, choose, invent, issuer_of
from tests.sandbox.support import Page, Running
from tests.web import ORIGIN, Browser

__all__ = ["sandbox", "sandbox_of_the_run", "shop", "shop_of_the_run"]
NORA, ALICE, URSULA = "nora@example.com", "alice@mountify.example", "ursula@example.org"


@dataclass
class Visit:
    """A browser at the shop, and the person before it at Google."""

    browser: Browser
    sandbox: Running

    def begin(self, **form: str) -> str:
        """Press the button; give where Google is."""
        self.browser.get("/auth/signin")
        answer = self.browser.post("/auth/google", form)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return answer.headers["Location"]

    def come_back(self, page: Page | str, **options: Any) -> TestResponse:
        url = page if isinstance(page, str) else page.location
        assert url.startswith(f"{ORIGIN}/auth/google/callback?"), url
        return self.browser.get(url.removeprefix(ORIGIN), **options)

    def sign_in(self, email: str = NORA, **form: str) -> TestResponse:
        """From the button to the shop's answer."""
        return self.come_back(choose(self.sandbox, self.begin(**form), email))

    def sign_in_invented(self, name: str, email: str, **form: str) -> TestResponse:
        return self.come_back(invent(self.sandbox, self.begin(**form), name=name, email=email, verified="1"))

    def begin_and_choose(self, email: str = NORA) -> str:
        """Stand before the way back; give the address it leads to."""
        page = choose(self.sandbox, self.begin(), email)
        assert answer_of(page)["code"]
        return page.location

    @property
    def is_signed_in(self) -> bool:
        return is_signed_in(self.browser)

    def begin_and_choose_again(self, email: str = NORA) -> str:
        """The same in another session: this one is signed out first."""
        self.browser.client.delete_cookie("mountify", domain="127.0.0.1")
        return self.begin_and_choose(email)

    def grow_old(self) -> None:
        """Let the last proof of who somebody is be eleven minutes ago."""
        db.session.execute(update(UserSession).values(created_at=utcnow() - timedelta(minutes=11)))
        db.session.commit()
        self.browser.client.application.extensions["store"].redis.flushdb()

    def break_next(self, way: str) -> None:
        self.sandbox.order("/_google/next_token", {"how": way})

    def fault(self, path: str, **how: object) -> None:
        self.sandbox.order("/_faults", {"service": "google", "path_prefix": path, **how})


@pytest.fixture
def google_config(config: Config, sandbox: Running) -> Config:
    return replace(
        config, google_client_id=CLIENT_ID, google_client_secret=CLIENT_SECRET, google_issuer=issuer_of(sandbox)
    )


@pytest.fixture
def app(google_config: Config, gateways: Gateways, database: None, redis: Redis) -> Flask:
    make_shop()
    app = create_app(google_config, replace(gateways, google=from_config(google_config).google))
    app.testing = True
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app


@pytest.fixture
def visit(app: Flask, sandbox: Running) -> Visit:
    return Visit(Browser(app), sandbox)


@pytest.fixture
def other(app: Flask, sandbox: Running) -> Visit:
    """Another browser."""
    return Visit(Browser(app), sandbox)
