"""Every way a sign-in with Google can fail: one clear sentence, a way on, and nothing has changed."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from mountify import db
from mountify.app import create_app
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.gateways import Gateways, from_config
from mountify.models import Base
from mountify.models.account import User
from mountify.web import google_cookie
from tests.cast import sign_in
from tests.web import ORIGIN, Browser, field, words

from .conftest import NORA, URSULA, Visit

TRUSTED = "What Google sent could not be trusted"
LOST = "This sign-in is over, or was begun in another browser."


def everything() -> dict[str, int]:
    """How many rows each table of ours holds."""
    db.release()
    counts = {
        table.name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
    }
    db.release()
    return counts


@pytest.mark.parametrize(
    "way",
    [
        *("wrong_nonce", "no_nonce", "wrong_audience", "shared_audience", "wrong_party", "wrong_issuer", "expired"),
        *("no_hash", "wrong_hash", "wrong_signature", "unsigned", "missing"),
    ],
)
def test_a_token_that_is_no_proof_signs_nobody_in(visit: Visit, way: str, logged: io.StringIO) -> None:
    url, before = visit.begin_and_choose(), everything()
    visit.break_next(way)
    answer = visit.come_back(url)
    assert answer.status_code == 400 and TRUSTED in words(answer)
    assert 'href="/auth/signin?next=/"' in answer.get_data(as_text=True)
    assert not visit.is_signed_in and everything() == before
    (line,) = (
        json.loads(line)
        for line in logged.getvalue().splitlines()
        if '"refused"' in line and "sign_in_needed" not in line
    )
    assert line["code"] == "google_answer_wrong" and line["reason"]
    for secret in (*parse_qs(urlsplit(url).query)["code"], *parse_qs(urlsplit(url).query)["state"], NORA, "eyJ"):
        assert secret not in logged.getvalue()
    assert not {"nonce", "aud", "azp", "signature", "token", line["reason"]} & set(words(answer).lower().split())


@pytest.mark.parametrize(
    ("way", "sentence"),
    [
        ("unverified", "Google has not verified your email address."),
        ("verified_as_text", "Google has not verified your email address."),
        ("no_email", "Google did not tell us an email address"),
    ],
)
def test_an_address_that_google_does_not_vouch_for_opens_nothing(visit: Visit, way: str, sentence: str) -> None:
    url, before = visit.begin_and_choose(), everything()
    visit.break_next(way)
    answer = visit.come_back(url)
    assert answer.status_code == 403 and sentence in words(answer)
    assert not visit.is_signed_in and everything() == before


def test_an_unverified_address_opens_nothing_unless_its_account_is_known(visit: Visit) -> None:
    assert visit.sign_in(URSULA).status_code == 403 and everything()["users"] == 0
    visit.sign_in(NORA)
    url = visit.begin_and_choose_again()
    visit.break_next("unverified")
    assert visit.come_back(url).status_code == 303
    assert everything()["users"] == 1


def test_whoever_cancels_is_told_so_and_may_sign_in_otherwise_on_the_way_to_the_same_page(visit: Visit) -> None:
    url, before = visit.begin(next="/cart?x=1"), everything()
    state = parse_qs(urlsplit(url).query)["state"][0]
    answer = visit.come_back(f"{ORIGIN}/auth/google/callback?error=access_denied&state={quote(state)}")
    assert answer.status_code == 400 and "You stopped at Google" in words(answer)
    assert 'href="/auth/signin?next=/cart?x%3D1"' in answer.get_data(as_text=True)
    assert not visit.is_signed_in and everything() == before


def test_a_closed_account_stays_closed(visit: Visit, other: Visit) -> None:
    visit.sign_in()
    db.session.execute(update(User).values(disabled_at=utcnow()))
    db.session.commit()
    answer = other.sign_in()
    assert answer.status_code == 403 and "This account is closed." in words(answer)
    assert not other.is_signed_in


def test_google_away_before_anybody_is_sent_says_so_on_the_sign_in_page(visit: Visit) -> None:
    visit.fault("/google/.well-known", status=503)
    visit.browser.get("/auth/signin")
    answer = visit.browser.post("/auth/google")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/signin")
    assert "We could not reach Google." in words(visit.browser.get("/auth/signin"))
    visit.fault("/google/.well-known", cut=True)
    part = visit.browser.htmx("POST", "/auth/google")
    assert part.status_code == 503 and "We could not reach Google." in words(part)
    assert visit.begin()


@pytest.mark.parametrize("how", [{"status": 500}, {"cut": True}])
def test_google_away_on_the_way_back_signs_nobody_in(visit: Visit, how: dict[str, object]) -> None:
    url, before = visit.begin_and_choose(), everything()
    visit.fault("/google/token", **how)
    answer = visit.come_back(url)
    assert answer.status_code == 503 and "We could not reach Google." in words(answer)
    assert not visit.is_signed_in and everything() == before
    assert visit.sign_in().status_code == 303


def test_a_way_back_that_was_used_leads_nowhere(visit: Visit) -> None:
    url = visit.begin_and_choose()
    assert visit.come_back(url).status_code == 303
    before = everything()
    answer = visit.come_back(url)
    assert answer.status_code == 400 and LOST in words(answer) and everything() == before


def test_a_stolen_cookie_does_not_bring_a_used_code_back_to_life(visit: Visit, other: Visit) -> None:
    url = visit.begin_and_choose()
    cookie = visit.browser.client.get_cookie("google", domain="127.0.0.1")
    visit.come_back(url)
    before = everything()
    other.browser.client.set_cookie("google", cookie.value if cookie else "", domain="127.0.0.1")
    answer = other.come_back(url)
    assert answer.status_code == 400 and "has been used or took too long" in words(answer)
    assert not other.is_signed_in and everything() == before


def test_a_sign_in_of_another_browser_is_refused(visit: Visit, other: Visit) -> None:
    """Nobody is signed in to somebody else's account by following a link."""
    url, before = visit.begin_and_choose(), everything()
    for stranger in (other, other):
        answer = stranger.come_back(url)
        assert answer.status_code == 400 and LOST in words(answer) and not stranger.is_signed_in
        stranger.begin()  # now with a state, but its own
    assert everything() == before
    assert visit.come_back(url).status_code == 303


@pytest.mark.parametrize("state", ["", "x", "é🔥", "%00", "a" * 5000])
def test_a_way_back_without_its_state_leads_nowhere_and_spends_nothing(visit: Visit, state: str) -> None:
    url, before = visit.begin_and_choose(), everything()
    code = parse_qs(urlsplit(url).query)["code"][0]
    answer = visit.browser.get(f"/auth/google/callback?code={quote(code)}&state={state}")
    assert answer.status_code == 400 and LOST in words(answer) and everything() == before
    assert visit.browser.get("/auth/google/callback").status_code == 400
    assert visit.come_back(url).status_code == 303


def test_a_sign_in_that_was_begun_as_somebody_ends_as_the_same(visit: Visit) -> None:
    url = visit.begin_and_choose()
    sign_in(visit.browser, "bob")
    assert visit.come_back(url).status_code == 400
    assert everything()["oauth_identities"] == 0 and field(visit.browser.get("/settings"), "name") == "Bob"


def test_a_sign_in_that_took_more_than_ten_minutes_is_over(app: Flask, visit: Visit) -> None:
    url = visit.begin_and_choose()
    state = parse_qs(urlsplit(url).query)["state"][0]
    content = {"state": state, "purpose": "", "next": "/"}
    for age, status in ((timedelta(minutes=10), 400), (timedelta(minutes=9), 303)):
        with app.test_request_context(base_url=ORIGIN):
            google_cookie.remember("begun", content, now=utcnow() - age)
            sent = google_cookie.send(app.make_response("")).headers["Set-Cookie"]
        value = sent.split("google=")[1].split(";")[0]
        visit.browser.client.set_cookie("google", value, domain="127.0.0.1")
        assert visit.come_back(url).status_code == status


def test_a_cookie_that_is_not_from_us_is_worth_nothing(visit: Visit) -> None:
    url = visit.begin_and_choose()
    good = visit.browser.client.get_cookie("google", domain="127.0.0.1")
    assert good is not None
    for value in (good.value[:-2] + "xx", "x", "", good.value.split(".")[0]):
        visit.browser.client.set_cookie("google", value, domain="127.0.0.1")
        assert visit.come_back(url).status_code == 400
        assert visit.browser.get("/auth/google/link").status_code == 400
    visit.browser.client.set_cookie("google", good.value, domain="127.0.0.1")
    assert visit.browser.get("/auth/google/link").status_code == 400  # a step is not another
    assert visit.come_back(url).status_code == 303


def test_a_mere_look_at_the_way_back_changes_nothing(visit: Visit) -> None:
    url, before = visit.begin_and_choose(), everything()
    look = visit.browser.client.head(url.removeprefix(ORIGIN), base_url=ORIGIN)
    assert look.status_code == 200 and "Set-Cookie" not in look.headers and everything() == before
    assert visit.come_back(url).status_code == 303


def test_get_writes_nothing_on_the_way_to_google_and_beside_it(visit: Visit) -> None:
    visit.begin()
    before = everything()
    for path in ("/auth/google", "/auth/google/link", "/auth/google/identities/1/removal", "/auth/signin"):
        assert visit.browser.get(path).status_code in (200, 400, 404, 405)
    assert everything() == before


def test_an_issuer_that_is_not_ours_is_refused(visit: Visit) -> None:
    url = visit.begin_and_choose()
    answer = visit.come_back(url.replace("iss=http%3A%2F%2Flocalhost", "iss=http%3A%2F%2Fexample.com"))
    assert answer.status_code == 400 and TRUSTED in words(answer)


@pytest.mark.commits
def test_two_returns_at_once_with_one_state_sign_in_once(app: Flask, visit: Visit) -> None:
    url = visit.begin_and_choose()
    cookie = visit.browser.client.get_cookie("google", domain="127.0.0.1")

    def come_back(_: int) -> int:
        browser = Browser(app)
        browser.client.set_cookie("google", cookie.value if cookie else "", domain="127.0.0.1")
        return browser.get(url.removeprefix(ORIGIN)).status_code

    with ThreadPoolExecutor(4) as pool:
        found = sorted(pool.map(come_back, range(4)))
    assert found == [303, 400, 400, 400]
    counts = everything()
    assert (counts["users"], counts["oauth_identities"], counts["user_sessions"]) == (1, 1, 1)


@pytest.mark.parametrize(("method", "path"), [("POST", "/auth/google"), ("GET", "/auth/google/callback")])
def test_nobody_tries_more_than_ten_times_a_minute(
    google_config: Config, gateways: Gateways, database: None, redis: Any, method: str, path: str
) -> None:
    limited = replace(google_config, rate_limits=True)
    browser = Browser(create_app(limited, replace(gateways, google=from_config(limited).google)))
    send = browser.post if method == "POST" else browser.get
    assert 429 not in {send(path).status_code for _ in range(10)}
    assert send(path).status_code == 429
