"""What is logged while people sign in, change and leave names none of them, and opens nothing."""

from __future__ import annotations

import io
from collections.abc import Callable

from flask import Flask

from tests.cast import PASSWORD, email_of, token_of
from tests.factories import make_shop
from tests.letters import letters, token_in
from tests.web import Browser

ALICE, NAME, NEW, WRONG, ANOTHER = (
    email_of("alice"),
    "Alice Canary",
    "canary@example.net",
    "a wrong canary password",
    "another canary password",
)


def test_no_password_token_session_or_address_is_logged(
    app: Flask, browser: Browser, logged: io.StringIO, run_jobs: Callable[[], int]
) -> None:
    make_shop()
    browser.post("/auth/register", {"email": ALICE, "password": PASSWORD})
    run_jobs()
    tokens = [token_in(letters("confirm_address")[0])]
    browser.get(f"/auth/confirm?token={tokens[0]}")
    browser.post("/auth/confirm", {"token": tokens[0], "password": WRONG})
    browser.post("/auth/confirm", {"token": tokens[0], "password": PASSWORD})
    browser.post("/auth/signin", {"email": ALICE, "password": WRONG})
    browser.post("/auth/signin", {"email": ALICE, "password": PASSWORD})
    cookie = browser.client.get_cookie("mountify", domain="127.0.0.1")
    csrf = {"csrf_token": token_of(browser)}
    browser.post("/settings/profile", {**csrf, "name": NAME})
    browser.post("/settings/email", {**csrf, "email": NEW})
    browser.post("/auth/forgot-password", {**csrf, "email": ALICE})
    run_jobs()
    tokens += [token_in(letters(kind)[0]) for kind in ("new_address", "reset_password")]
    browser.post("/auth/new-address", {**csrf, "token": tokens[1]})
    csrf = {"csrf_token": token_of(browser)}
    change = {"current_password": PASSWORD, "new_password": ANOTHER}
    browser.post("/settings/password", {**csrf, **change})
    browser.post("/settings/closing", {"csrf_token": token_of(browser)})
    while run_jobs():
        pass
    log = logged.getvalue()
    assert log.count("answered") > 10 and cookie is not None
    for secret in (ALICE, NAME, NEW, PASSWORD, WRONG, ANOTHER, cookie.value, csrf["csrf_token"], *tokens):
        assert secret not in log
