"""Forgot and reset, page by page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mountify.services import accounts
from tests.cast import PASSWORD, email_of, make_account, sign_in
from tests.factories import make_shop
from tests.letters import letters, link_in
from tests.web import Browser, field, words

ALICE, ANOTHER = email_of("alice"), "another long and boring one"


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def ask(browser: Browser, email: str = ALICE) -> str:
    answer = browser.post("/auth/forgot-password", {"email": email})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/forgot-password")
    return words(browser.get("/auth/forgot-password"))


def test_whoever_has_forgotten_the_password_chooses_another(browser: Browser, run_jobs: Callable[[], int]) -> None:
    make_account("alice")
    assert "If that address has an account, a link is on its way to it." in ask(browser)
    run_jobs()
    page = browser.get(link_in(letters("reset_password")[0]))
    answer = browser.post("/auth/reset-password", {"token": field(page, "token"), "password": ANOTHER})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/signin")
    assert browser.get("/settings").status_code == 303, "a link signs nobody in"
    assert browser.post("/auth/signin", {"email": ALICE, "password": PASSWORD}).status_code == 401
    assert browser.post("/auth/signin", {"email": ALICE, "password": ANOTHER}).status_code == 303


def test_an_unknown_address_is_answered_like_a_known_one(browser: Browser, run_jobs: Callable[[], int]) -> None:
    make_account("alice")
    assert len({ask(browser, email) for email in (ALICE, email_of("nobody"))}) == 1
    run_jobs()
    assert [letter.recipient for letter in letters("reset_password")] == [ALICE]


def test_everybody_who_was_signed_in_is_signed_out(browser: Browser, run_jobs: Callable[[], int]) -> None:
    thief = Browser(browser.client.application)
    sign_in(thief, "alice")
    ask(browser)
    run_jobs()
    page = browser.get(link_in(letters("reset_password")[0]))
    browser.post("/auth/reset-password", {"token": field(page, "token"), "password": ANOTHER})
    assert thief.get("/settings").status_code == 303


@pytest.mark.parametrize(
    ("password", "why"), [("", "Choose a password."), ("short", "at least 8"), ("x" * 73, "at most 72 bytes")]
)
def test_a_bad_password_is_said_beside_the_field_and_leaves_the_link(
    browser: Browser, run_jobs: Callable[[], int], password: str, why: str
) -> None:
    make_account("alice")
    ask(browser)
    run_jobs()
    token = field(browser.get(link_in(letters("reset_password")[0])), "token")
    answer = browser.post("/auth/reset-password", {"token": token, "password": password})
    assert answer.status_code == 422 and why in words(answer)
    assert 'aria-describedby="password-d"' in answer.get_data(as_text=True)
    assert accounts.authenticate(ALICE, PASSWORD).email == ALICE
    assert browser.post("/auth/reset-password", {"token": token, "password": ANOTHER}).status_code == 303


@pytest.mark.parametrize("typed", ["", "sam", "a" * 300 + "@example.com", "sam\x00@example.com"])
def test_what_is_no_address_is_said_beside_the_field(browser: Browser, typed: str) -> None:
    answer = browser.post("/auth/forgot-password", {"email": typed})
    assert answer.status_code == 422 and 'aria-describedby="email-d"' in answer.get_data(as_text=True)
