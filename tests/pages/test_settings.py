"""The owner of an account: name, password, address, devices, data, good-bye."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.test import TestResponse

from mountify import db
from mountify.core.clock import utcnow
from mountify.models.account import User, UserSession
from mountify.services import accounts
from tests.cast import PASSWORD, email_of, sign_in
from tests.factories import make_shop
from tests.letters import letters, link_in
from tests.web import Browser, field, words

ALICE, ANOTHER, NEW = email_of("alice"), "another long and boring one", "alice@example.net"


class Alice(Browser):
    """A browser in which Alice is signed in; it posts forms as they stand on the page."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        sign_in(self, "alice")

    def send_form(self, path: str, **values: Any) -> TestResponse:
        token = field(self.get("/settings"), "csrf_token")
        return self.post(path, {"csrf_token": token, **values})


@pytest.fixture
def alice(app: Flask) -> Alice:
    make_shop()
    return Alice(app)


def grow_old(*, minutes: int) -> None:
    """Let the last proof of who somebody is be so many minutes ago."""
    then = utcnow() - timedelta(minutes=minutes)
    db.session.execute(update(UserSession).values(created_at=then))
    db.session.commit()


def forget_redis(app: Flask) -> None:
    app.extensions["store"].redis.flushdb()


def test_a_name_is_saved_and_shown_at_once(alice: Alice) -> None:
    answer = alice.send_form("/settings/profile", name="  Alice <b>Archer</b> ")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings")
    page = alice.get("/settings")
    assert "Profile saved." in words(page) and field(page, "name") == "Alice <b>Archer</b>"
    assert "<b>Archer</b>" not in page.get_data(as_text=True)


@pytest.mark.parametrize("name", ["x" * 121, "Alice\x00"])
def test_a_name_that_cannot_be_kept_is_said_beside_the_field(alice: Alice, name: str) -> None:
    answer = alice.send_form("/settings/profile", name=name)
    assert answer.status_code == 422 and 'aria-describedby="name-d"' in answer.get_data(as_text=True)
    assert accounts.find_by_email(ALICE) and field(alice.get("/settings"), "name") == "Alice"


def test_a_changed_password_keeps_this_session_under_a_new_id_and_ends_the_others(alice: Alice, app: Flask) -> None:
    elsewhere = Alice(app)
    before = alice.client.get_cookie("mountify", domain="127.0.0.1")
    answer = alice.send_form("/settings/password", current_password=PASSWORD, new_password=ANOTHER)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings")
    after = alice.client.get_cookie("mountify", domain="127.0.0.1")
    assert before and after and before.value != after.value
    assert "Everywhere else you are signed out." in words(alice.get("/settings"))
    assert elsewhere.get("/settings").status_code == 303
    thief = Browser(app)
    thief.client.set_cookie("mountify", before.value, domain="127.0.0.1")
    assert thief.get("/settings").status_code == 303, "the old id is dead"


@pytest.mark.parametrize(
    ("current", "new", "beside", "why"),
    [
        ("", ANOTHER, "current_password", "Enter your current password."),
        ("wrong", ANOTHER, "current_password", "not the password of this account"),
        (PASSWORD, "", "new_password", "Choose a password."),
        (PASSWORD, "short", "new_password", "at least 8 characters"),
        (PASSWORD, "alice1234", "new_password", "easy to guess"),
        (PASSWORD, "ü" * 37, "new_password", "at most 72 bytes"),
    ],
)
def test_a_password_that_is_not_changed_is_said_beside_its_field(
    alice: Alice, current: str, new: str, beside: str, why: str
) -> None:
    answer = alice.send_form("/settings/password", current_password=current, new_password=new)
    assert answer.status_code == 422 and why in words(answer)
    assert f'aria-describedby="{beside}-d"' in answer.get_data(as_text=True)
    assert accounts.authenticate(ALICE, PASSWORD).email == ALICE


def test_an_account_without_a_password_is_offered_a_link(alice: Alice, run_jobs: Callable[[], int]) -> None:
    db.session.execute(update(User).values(password_hash=None))
    db.session.commit()
    assert "This account has no password." in words(alice.get("/settings"))
    assert alice.send_form("/settings/password-link").status_code == 303
    run_jobs()
    assert [letter.recipient for letter in letters("reset_password")] == [ALICE]


def test_another_address_counts_once_its_link_is_followed(alice: Alice, run_jobs: Callable[[], int]) -> None:
    assert alice.send_form("/settings/email", email=NEW).status_code == 303
    assert ALICE in words(alice.get("/settings")).replace(" @", "@")
    run_jobs()
    page = alice.get(link_in(letters("new_address")[0]))
    assert NEW in words(page)
    answer = alice.post("/auth/new-address", {"token": field(page, "token"), "csrf_token": field(page, "csrf_token")})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/settings")
    assert NEW in words(alice.get("/settings")).replace(" @", "@"), "who follows it here stays signed in"


def test_another_address_may_be_confirmed_in_another_browser(
    alice: Alice, app: Flask, run_jobs: Callable[[], int]
) -> None:
    alice.send_form("/settings/email", email=NEW)
    run_jobs()
    phone = Browser(app)
    page = phone.get(link_in(letters("new_address")[0]))
    form = {"token": field(page, "token"), "password": "wrong"}
    wrong = phone.post("/auth/new-address", form)
    assert wrong.status_code == 422 and 'aria-describedby="password-d"' in wrong.get_data(as_text=True)
    assert phone.post("/auth/new-address", {**form, "password": PASSWORD}).status_code == 303
    assert phone.get("/settings").status_code == alice.get("/settings").status_code == 303
    assert phone.post("/auth/signin", {"email": NEW, "password": PASSWORD}).status_code == 303


def test_ones_own_address_is_no_new_one(alice: Alice) -> None:
    answer = alice.send_form("/settings/email", email=ALICE.upper())
    assert answer.status_code == 422 and "You use this address already." in words(answer)


@pytest.mark.parametrize("id_hash", ["%00", "x", "a" * 63, "A" * 64, "a" * 64])
def test_a_session_that_is_none_of_ones_own_ends_nothing(alice: Alice, id_hash: str) -> None:
    answer = alice.send_form(f"/settings/sessions/{id_hash}/removal")
    assert answer.status_code in (303, 404) and alice.get("/settings").status_code == 200


@pytest.mark.parametrize("typed", ["", "sam", "a" * 300 + "@example.com", "sam\x00@example.com"])
def test_what_is_no_address_is_said_beside_the_field(alice: Alice, typed: str) -> None:
    answer = alice.send_form("/settings/email", email=typed)
    assert answer.status_code == 422 and 'aria-describedby="email-d"' in answer.get_data(as_text=True)


def test_each_device_is_listed_and_can_be_signed_out(alice: Alice, app: Flask) -> None:
    phone = Alice(app)
    page = words(alice.get("/settings"))
    assert "2 devices" in page and page.count("This one") == 1
    alice.send_form("/settings/sessions/removal")
    assert phone.get("/settings").status_code == 303
    assert "1 device" in words(alice.get("/settings"))


def test_one_device_is_signed_out_and_the_others_stay(alice: Alice, app: Flask) -> None:
    phone, tablet = Alice(app), Alice(app)
    phones = accounts_sessions(phone)
    alice.send_form(f"/settings/sessions/{phones}/removal")
    assert phone.get("/settings").status_code == 303
    assert tablet.get("/settings").status_code == alice.get("/settings").status_code == 200


def accounts_sessions(browser: Browser) -> str:
    from mountify.core.tokens import hash_token

    cookie = browser.client.get_cookie("mountify", domain="127.0.0.1")
    assert cookie
    return hash_token(cookie.value)


def test_nobody_signs_another_out(alice: Alice, app: Flask) -> None:
    mallory = Browser(app)
    sign_in(mallory, "mallory")
    token = field(mallory.get("/settings"), "csrf_token")
    mallory.post(f"/settings/sessions/{accounts_sessions(alice)}/removal", {"csrf_token": token})
    assert alice.get("/settings").status_code == 200


@pytest.mark.parametrize("path", ["/settings/closing", "/settings/download", "/settings/email"])
def test_what_cannot_be_undone_asks_again_after_ten_minutes(alice: Alice, app: Flask, path: str) -> None:
    assert alice.get(path).status_code == 200
    grow_old(minutes=11)
    forget_redis(app)
    answer = alice.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/auth/proof?next={path}")
    assert alice.send_form(path, email=NEW).headers["Location"].startswith("/auth/proof?next=/settings")
    wrong = alice.send_form("/auth/proof", password="wrong", next=path)
    assert wrong.status_code == 422 and 'aria-describedby="password-d"' in wrong.get_data(as_text=True)
    right = alice.send_form("/auth/proof", password=PASSWORD, next=path)
    assert (right.status_code, right.headers["Location"]) == (303, path)
    assert alice.get(path).status_code == 200


def test_a_proof_leads_nowhere_else(alice: Alice) -> None:
    answer = alice.send_form("/auth/proof", password=PASSWORD, next="https://evil.example/")
    assert answer.headers["Location"] == "/"


def test_the_data_comes_as_a_file_for_its_owner_only(alice: Alice) -> None:
    answer = alice.send_form("/settings/download")
    assert answer.mimetype == "application/json" and "attachment" in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert json.loads(answer.get_data())["profile"]["email"] == ALICE


def test_a_closed_account_is_gone_and_signed_out_everywhere(alice: Alice, app: Flask) -> None:
    phone = Alice(app)
    answer = alice.send_form("/settings/closing")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert "Your account is closed." in words(alice.get("/"))
    assert alice.get("/settings").status_code == phone.get("/settings").status_code == 303
    assert alice.post("/auth/signin", {"email": ALICE, "password": PASSWORD}).status_code == 401
    assert accounts.find_by_email(ALICE) is None
