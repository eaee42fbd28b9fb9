"""Sessions: what ends them, also for a request in flight, and what it costs to know who is asking."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest
from flask import Flask
from redis import Redis
from werkzeug.http import dump_cookie

from mountify.app import create_app
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.core.tokens import hash_token
from mountify.gateways import Gateways
from mountify.models.account import Role
from mountify.services import accounts, profile, sign_ins, staffing
from mountify.services.passwords import Chosen
from mountify.web.sessions import RECHECK_S, ShopSession
from tests.cast import COST, PASSWORD, email_of, is_signed_in, make_account, sign_in
from tests.factories import make_shop
from tests.queries import queries
from tests.web import ORIGIN, Browser

ALICE, ANOTHER = email_of("alice"), "another long and boring one"
KNOWS_WHO_ASKS = "/api/auth/csrf"  # and asks PostgreSQL nothing by itself


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


@pytest.fixture
def alice(browser: Browser) -> Browser:
    sign_in(browser, "alice")
    return browser


def cookie_of(browser: Browser) -> str:
    cookie = browser.client.get_cookie("mountify", domain="127.0.0.1")
    assert cookie is not None
    return cookie.value


def record_of(browser: Browser, redis: Redis) -> tuple[str, dict[str, object]]:
    key = f"session:{{{hash_token(cookie_of(browser))}}}"
    return key, json.loads(cast(str, redis.get(key)))


def test_knowing_who_is_asking_costs_no_query(alice: Browser) -> None:
    alice.get(KNOWS_WHO_ASKS)

    def read() -> None:
        for _ in range(20):
            assert alice.get(KNOWS_WHO_ASKS).get_json()["csrfToken"]

    assert queries(read) == []


def test_a_session_is_asked_about_once_a_minute_at_most(alice: Browser, redis: Redis) -> None:
    key, record = record_of(alice, redis)
    redis.set(key, json.dumps({**record, "checked_at": utcnow().timestamp() - RECHECK_S - 1}))
    asked = queries(lambda: alice.get(KNOWS_WHO_ASKS))
    assert len([query for query in asked if "FROM user_sessions" in query]) == 1
    assert queries(lambda: [alice.get(KNOWS_WHO_ASKS) for _ in range(20)]) == []


def end_by_password(config: Config) -> None:
    alice = accounts.find_by_email(ALICE) or 0
    profile.change_password(alice, PASSWORD, Chosen(ANOTHER), cost=COST, site=config.site, now=utcnow())


ENDS: dict[str, Callable[[Config], None]] = {
    "password": end_by_password,
    "role": lambda _config: staffing.change_role(ALICE, Role.STAFF, now=utcnow()),
    "disabled": lambda _config: staffing.disable(ALICE, now=utcnow()),
    "signed out by the office": lambda _config: staffing.sign_out(ALICE, now=utcnow()),
    "signed out elsewhere": lambda _config: sign_ins.end_others(
        accounts.find_by_email(ALICE) or 0, "of this one", now=utcnow()
    ),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_a_session_is_over_with_the_next_request(alice: Browser, config: Config, end: Callable[[Config], None]) -> None:
    """And not after the minute for which Redis is believed."""
    assert is_signed_in(alice)
    end(config)
    assert not is_signed_in(alice)


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
def test_a_request_in_flight_brings_no_ended_session_back(
    app: Flask, alice: Browser, config: Config, end: Callable[[Config], None]
) -> None:
    headers = {"Cookie": dump_cookie("mountify", cookie_of(alice))}
    with app.test_request_context("/", base_url=ORIGIN, headers=headers) as context:
        session = cast(ShopSession, app.session_interface.open_session(app, context.request))
        assert session is not None and session.identity is not None
        end(config)
        session["noted"] = "while it was ended"
        app.session_interface.save_session(app, session, app.response_class())
    assert not is_signed_in(alice)


def test_nobody_signs_in_into_an_id_that_was_planted(browser: Browser) -> None:
    """Fixation: whoever put the cookie there does not know the session that begins."""
    make_account("alice")
    browser.client.set_cookie("mountify", "p" * 43, domain="127.0.0.1")
    sign_in(browser, "alice")
    assert cookie_of(browser) != "p" * 43
    thief = Browser(browser.client.application)
    thief.client.set_cookie("mountify", "p" * 43, domain="127.0.0.1")
    assert not is_signed_in(thief)


def test_only_a_hash_of_the_id_is_stored(alice: Browser, redis: Redis) -> None:
    token = cookie_of(alice)
    key, record = record_of(alice, redis)
    assert len(token) == 43 and token not in key + json.dumps(record)
    assert all(token not in cast(str, name) for name in redis.scan_iter())


def test_a_new_name_is_known_in_every_session_within_a_minute(app: Flask, alice: Browser, redis: Redis) -> None:
    phone = Browser(app)
    sign_in(phone, "alice")
    profile.rename(accounts.find_by_email(ALICE) or 0, "Alice B.")
    key, record = record_of(phone, redis)
    redis.set(key, json.dumps({**record, "checked_at": utcnow().timestamp() - RECHECK_S - 1}))
    assert phone.get("/api/user/profile").get_json()["name"] == "Alice B."
    assert cast(dict[str, str], record_of(phone, redis)[1]["who"])["name"] == "Alice B."


@pytest.mark.parametrize(
    ("base_url", "name", "is_secure"),
    [(ORIGIN, "mountify", False), ("https://shop.example", "__Host-mountify", True)],
)
def test_the_cookie_of_a_session_goes_nowhere_else(
    config: Config, gateways: Gateways, redis: Redis, base_url: str, name: str, is_secure: bool
) -> None:
    make_account("alice")
    client = create_app(replace(config, base_url=base_url), gateways).test_client()
    form = {"email": ALICE, "password": PASSWORD}
    answer = client.post("/auth/signin", data=form, base_url=base_url, headers={"Sec-Fetch-Site": "same-origin"})
    (cookie,) = (value for value in answer.headers.getlist("Set-Cookie") if value.startswith(f"{name}="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Path=/" in cookie and "Domain" not in cookie
    assert ("Secure" in cookie) is is_secure
