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


# What somebody who looks into a theft asks for: what happened, to which account, from where.
EVENTS = (
    "account_opened",
    "sign_in_refused",
    "signed_in",
    "signed_out",
    "password_changed",
    "email_changed",
    "account_closed",
)


def test_no_password_token_session_or_address_is_logged(
    app: Flask, browser: Browser, logged: io.StringIO, run_jobs: Callable[[], int]
) -> None:
    make_shop()
    browser.post("/auth/register", {"email": ALICE, "password": PASSWORD})
    run_jobs()
    tokens = [token_in(letters("confirm_address")[0])]
    steps = [
        browser.get(f"/auth/confirm?token={tokens[0]}"),
        browser.post("/auth/confirm", {"token": tokens[0], "password": WRONG}),
        browser.post("/auth/confirm", {"token": tokens[0], "password": PASSWORD}),
        browser.post("/auth/signin", {"email": ALICE, "password": WRONG}),
        browser.post("/auth/signin", {"email": ALICE, "password": PASSWORD}),
    ]
    cookie = browser.client.get_cookie("mountify", domain="127.0.0.1")
    csrf = {"csrf_token": token_of(browser)}
    steps += [
        browser.post("/settings/profile", {**csrf, "name": NAME}),
        browser.post("/settings/email", {**csrf, "email": NEW}),
        browser.post("/auth/forgot-password", {**csrf, "email": ALICE}),
    ]
    run_jobs()
    tokens += [token_in(letters(kind)[0]) for kind in ("new_address", "reset_password")]
    steps.append(browser.post("/auth/new-address", {**csrf, "token": tokens[1]}))
    change = {"current_password": PASSWORD, "new_password": ANOTHER}
    steps.append(browser.post("/settings/password", {"csrf_token": token_of(browser), **change}))
    steps.append(browser.post("/settings/closing", {"csrf_token": token_of(browser)}))
    while run_jobs():
        pass
    assert [step.status_code for step in steps] == [200, 422, 303, 401, 303, 303, 303, 303, 303, 303, 303]
    log, asked_from = logged.getvalue(), '"client": "127.0.0.1"'
    assert cookie is not None
    for secret in (ALICE, NAME, NEW, PASSWORD, WRONG, ANOTHER, cookie.value, csrf["csrf_token"], *tokens):
        assert secret not in log
    lines = log.splitlines()
    for event in EVENTS:
        told = [line for line in lines if f'"event": "{event}"' in line]
        assert told and all('"account": ' in line and asked_from in line for line in told), event
