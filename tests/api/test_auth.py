"""Accounts as JSON: names, types and statuses are a contract with older clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from flask import Flask

from mountify.services import accounts
from tests.cast import PASSWORD, email_of, is_signed_in, make_account
from tests.factories import make_shop
from tests.letters import letters, token_in
from tests.web import Browser

ALICE, ANOTHER = email_of("alice"), "another long and boring one"


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def login(browser: Browser, password: str = PASSWORD, email: str = ALICE) -> Any:
    return browser.send("POST", "/api/auth/login", {"email": email, "password": password})


def csrf(browser: Browser) -> dict[str, str]:
    token = browser.get("/api/auth/csrf").get_json()["csrfToken"]
    return {"X-CSRFToken": token} if token else {}


def test_an_account_is_asked_for_and_the_answer_tells_nothing(browser: Browser, run_jobs: Callable[[], int]) -> None:
    make_account("alice")
    told = []
    for email in (ALICE, email_of("nobody")):
        answer = browser.send("POST", "/api/auth/register", {"email": email, "password": PASSWORD})
        body = answer.get_json()
        assert answer.status_code == 201 and set(body) == {"message", "user"}
        assert body["user"].pop("email") == email and datetime.fromisoformat(body["user"].pop("createdAt"))
        told.append(body)
    assert told[0] == told[1] and told[0]["user"] == {"id": None}
    run_jobs()
    assert [letter.recipient for letter in letters("confirm_address")] == [email_of("nobody")]
    assert login(browser, email=email_of("nobody")).status_code == 401


def test_a_session_begins_and_ends(browser: Browser) -> None:
    alice = make_account("alice")
    answer = login(browser)
    assert answer.get_json() == {"user": {"id": alice, "email": ALICE, "role": "customer"}}
    assert is_signed_in(browser)
    answer = browser.send("POST", "/api/auth/logout", {}, **csrf(browser))
    assert (answer.status_code, answer.get_json()) == (200, {"success": True})
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    ("email", "password"), [(ALICE, "wrong"), (email_of("nobody"), PASSWORD), (ALICE, PASSWORD + "\0")]
)
def test_a_wrong_password_and_an_unknown_account_are_the_same(browser: Browser, email: str, password: str) -> None:
    make_account("alice")
    answer = login(browser, password, email)
    assert (answer.status_code, answer.get_json()) == (401, {"error": "Invalid email or password"})


def test_a_forgotten_password_is_reset(browser: Browser, run_jobs: Callable[[], int]) -> None:
    make_account("alice")
    told = [
        browser.send("POST", "/api/auth/forgot-password", {"email": email}).get_json()
        for email in (ALICE, email_of("nobody"))
    ]
    assert told[0] == told[1] and told[0]["success"] is True and set(told[0]) == {"success", "message"}
    run_jobs()
    token = token_in(letters("reset_password")[0])
    weak = browser.send("POST", "/api/auth/reset-password", {"token": token, "password": "short"})
    assert weak.status_code == 400 and weak.get_json()["fields"] == {
        "password": ["A password has at least 8 characters."]
    }
    body = {"token": token, "password": ANOTHER}
    assert browser.send("POST", "/api/auth/reset-password", body).get_json()["success"] is True
    again = browser.send("POST", "/api/auth/reset-password", body)
    assert again.status_code == 400 and "does not work any more" in again.get_json()["error"]
    assert login(browser, ANOTHER).status_code == 200


def test_a_profile_is_read_and_changed(browser: Browser) -> None:
    alice = make_account("alice")
    assert browser.get("/api/user/profile").status_code == 401
    login(browser)
    known = browser.get("/api/user/profile").get_json()
    assert datetime.fromisoformat(known.pop("createdAt"))
    assert known == {"id": alice, "email": ALICE, "name": "Alice", "role": "customer", "hasPassword": True}
    more = {"name": "Alice B.", "role": "admin", "email": "mallory@example.com", "id": 7}
    changed = browser.send("PUT", "/api/user/profile", more, **csrf(browser)).get_json()
    assert (changed["name"], changed["role"], changed["email"], changed["id"]) == ("Alice B.", "customer", ALICE, alice)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_changed_password_ends_all_other_sessions(app: Flask, browser: Browser, method: str) -> None:
    make_account("alice")
    phone = Browser(app)
    login(phone)
    login(browser)
    body = {"currentPassword": PASSWORD, "newPassword": ANOTHER}
    answer = browser.send(method, "/api/user/change-password", body, **csrf(browser))
    assert answer.status_code == 200 and answer.get_json()["success"] is True
    assert is_signed_in(browser) and not is_signed_in(phone)
    assert accounts.authenticate(ALICE, ANOTHER).email == ALICE


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"currentPassword": "wrong", "newPassword": ANOTHER}, ["currentPassword"]),
        ({"currentPassword": PASSWORD, "newPassword": "alice1234"}, ["newPassword"]),
        ({"currentPassword": PASSWORD, "newPassword": "ü" * 37}, ["newPassword"]),
        ({"newPassword": ANOTHER}, ["currentPassword"]),
        ({"currentPassword": 7, "newPassword": [ANOTHER]}, ["currentPassword", "newPassword"]),
    ],
)
def test_a_bad_change_says_which_field_and_changes_nothing(
    browser: Browser, body: dict[str, Any], fields: list[str]
) -> None:
    make_account("alice")
    login(browser)
    answer = browser.send("PUT", "/api/user/change-password", body, **csrf(browser))
    assert answer.status_code == 400 and sorted(answer.get_json()["fields"]) == fields
    assert accounts.authenticate(ALICE, PASSWORD).email == ALICE


@pytest.mark.parametrize("path", ["register", "login", "forgot-password", "reset-password"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        "text",
        {"email": 7, "password": True, "token": {}},
        {"email": "\ud800", "password": "\ud800" * 9, "token": "\ud800"},
        {"email": "a" * 100_000, "password": "b" * 100_000, "token": "c" * 100_000},
        {"email": "sam\0@example.com", "password": "horse\0battery", "token": "\0"},
    ],
    ids=["empty", "list", "null", "text", "types", "surrogates", "long", "nul"],
)
def test_nothing_that_a_client_can_send_breaks_it(browser: Browser, path: str, body: Any) -> None:
    answer = browser.send("POST", f"/api/auth/{path}", body)
    assert answer.status_code in (400, 401, 413, 415) and answer.get_json()["error"]


def test_an_account_without_a_password_changes_none(browser: Browser) -> None:
    from sqlalchemy import update

    from mountify import db
    from mountify.models.account import User

    make_account("alice")
    login(browser)
    db.session.execute(update(User).values(password_hash=None))
    db.session.commit()
    body = {"currentPassword": PASSWORD, "newPassword": ANOTHER}
    answer = browser.send("PUT", "/api/user/change-password", body, **csrf(browser))
    assert answer.status_code == 409 and "no password yet" in answer.get_json()["error"]


def test_only_a_session_has_a_token(browser: Browser) -> None:
    assert browser.get("/api/auth/csrf").get_json() == {"csrfToken": ""}
    assert browser.cookies() == set()
    make_account("alice")
    login(browser)
    assert len(browser.get("/api/auth/csrf").get_json()["csrfToken"]) > 20
