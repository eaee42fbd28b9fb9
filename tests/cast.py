"""Who acts in the tests: Alice and Bob buy, Ada administers, Stan works in the office, Mallory tries."""

from __future__ import annotations

from mountify.core.clock import utcnow
from mountify.models.account import Role
from mountify.services import accounts
from tests.web import Browser, field

PASSWORD = "a long and boring password"
COST = 4  # of bcrypt: what a shop may not set, and a test need not wait for
ROLES = {"ada": Role.ADMIN, "stan": Role.STAFF}


def email_of(name: str) -> str:
    return f"{name}@example.com"


def make_account(name: str) -> int:
    return accounts.create(
        email_of(name), PASSWORD, role=ROLES.get(name, Role.CUSTOMER), name=name.title(), cost=COST, now=utcnow()
    )


def is_signed_in(browser: Browser) -> bool:
    return browser.get("/settings").status_code == 200


def token_of(browser: Browser) -> str:
    """What the forms of a signed-in browser carry; nothing for a guest."""
    page = browser.get("/settings")
    return field(page, "csrf_token") if page.status_code == 200 else ""


def sign_in(browser: Browser, name: str) -> None:
    """Sign in through the form, making the account when it is missing."""
    if accounts.find_by_email(email_of(name)) is None:
        make_account(name)
    browser.where = "/auth/signin"
    response = browser.post("/auth/signin", {"email": email_of(name), "password": PASSWORD, "next": "/"})
    assert response.status_code == 303, response.status
