"""From a stranger to an account, page by page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from mountify import db
from mountify.models.account import EmailToken, User
from mountify.services import accounts
from tests.cast import PASSWORD, email_of, make_account, sign_in
from tests.factories import make_shop
from tests.letters import letters, link_in
from tests.web import Browser, field, words

ALICE = email_of("alice")
ON_ITS_WAY = "a link to open the account is on its way"


@pytest.fixture(autouse=True)
def shop(database: None) -> None:
    make_shop()


def register(browser: Browser, email: str = ALICE, password: str = PASSWORD) -> str:
    answer = browser.post("/auth/register", {"email": email, "password": password})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/signin?next=/")
    return words(browser.get("/auth/signin"))


@pytest.fixture
def link(browser: Browser, run_jobs: Callable[[], int]) -> str:
    """Alice has asked for an account; gives the link in her mail."""
    register(browser)
    assert run_jobs() == 1
    return link_in(letters("confirm_address")[0])


def test_a_stranger_becomes_a_customer(browser: Browser, link: str) -> None:
    assert browser.post("/auth/signin", {"email": ALICE, "password": PASSWORD}).status_code == 401
    page = browser.get(link)
    assert page.status_code == 200 and ALICE in words(page)
    answer = browser.post("/auth/confirm", {"token": field(page, "token"), "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/signin")
    assert browser.get("/settings").status_code == 303, "a link signs nobody in"
    assert browser.post("/auth/signin", {"email": ALICE, "password": PASSWORD}).status_code == 303
    assert ALICE in words(browser.get("/settings")).replace(" @", "@")


def test_where_somebody_wanted_to_go_is_kept_through_registration(browser: Browser) -> None:
    page = browser.get("/auth/signin?next=/checkout")
    assert 'href="/auth/register?next=/checkout"' in page.get_data(as_text=True)
    page = browser.get("/auth/register?next=/checkout")
    assert field(page, "next") == "/checkout" and 'href="/auth/signin?next=/checkout"' in page.get_data(as_text=True)
    wrong = browser.post("/auth/register", {"email": "", "password": PASSWORD, "next": "/checkout"})
    assert wrong.status_code == 422 and field(wrong, "next") == "/checkout"
    answer = browser.post("/auth/register", {"email": ALICE, "password": PASSWORD, "next": "/checkout"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/signin?next=/checkout")
    away = browser.get("/auth/register?next=https://evil.example/")
    assert field(away, "next") == "/"


@pytest.mark.parametrize("path", ["/auth/signin", "/auth/register"])
def test_who_is_signed_in_already_is_led_on(browser: Browser, path: str) -> None:
    sign_in(browser, "alice")
    for leads_to, location in (("/checkout", "/checkout"), ("//evil.example", "/orders"), ("", "/orders")):
        assert browser.get(f"{path}?next={leads_to}").headers["Location"] == location


def test_looking_at_a_link_does_not_use_it_up(browser: Browser, link: str) -> None:
    for _ in range(3):
        assert browser.get(link).status_code == 200
        assert browser.client.head(link, base_url="http://127.0.0.1:3999").status_code == 200
    assert db.session.scalar(select(EmailToken.used_at)) is None


def test_a_taken_address_is_answered_like_a_free_one(browser: Browser, run_jobs: Callable[[], int]) -> None:
    make_account("alice")
    told = {register(browser, email) for email in (ALICE, email_of("nobody"))}
    assert len(told) == 1 and ON_ITS_WAY in told.pop()
    run_jobs()
    assert [letter.recipient for letter in letters("address_taken")] == [ALICE]
    assert [letter.recipient for letter in letters("confirm_address")] == [email_of("nobody")]


def test_a_wrong_password_is_said_beside_the_field_and_leaves_the_link(browser: Browser, link: str) -> None:
    token = link.partition("token=")[2]
    answer = browser.post("/auth/confirm", {"token": token, "password": "not what was chosen"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and 'aria-describedby="password-d"' in text
    assert "not the password of this account" in words(answer) and "not what was chosen" not in text
    assert browser.post("/auth/confirm", {"token": token, "password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "é" * 43, "x" * 5000, "\0" * 43])
def test_a_link_that_is_none_says_so_and_offers_a_way_on(browser: Browser, token: str) -> None:
    for answer in (
        browser.get("/auth/confirm", query_string={"token": token}),
        browser.post("/auth/confirm", {"token": token, "password": PASSWORD}),
        browser.get("/auth/new-address", query_string={"token": token}),
        browser.post("/auth/new-address", {"token": token}),
        browser.get("/auth/reset-password", query_string={"token": token}),
        browser.post("/auth/reset-password", {"token": token, "password": PASSWORD}),
    ):
        assert answer.status_code == 400
        assert "This link does not work" in words(answer) and "/auth/forgot-password" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("email", "password", "beside", "why"),
    [
        ("", PASSWORD, "email", "Enter your email address."),
        ("sam", PASSWORD, "email", "Enter an email address such as"),
        ("a" * 300 + "@example.com", PASSWORD, "email", "at most 254 characters"),
        ("ünï@example.com", PASSWORD, "email", "Enter an email address such as"),
        ("sam\x00@example.com", PASSWORD, "email", "cannot be used here"),
        (ALICE, "", "password", "Choose a password."),
        (ALICE, "short", "password", "at least 8 characters"),
        (ALICE, " " * 20, "password", "easy to guess"),
        (ALICE, "alice1234", "password", "easy to guess"),
        (ALICE, "ü" * 37, "password", "at most 72 bytes"),
        (ALICE, "x" * 5000, "password", "at most 72 bytes"),
        (ALICE, "horse\x00battery", "password", "cannot be used here"),
    ],
)
def test_bad_input_is_said_beside_its_field_and_asks_for_nothing(
    browser: Browser, email: str, password: str, beside: str, why: str
) -> None:
    answer = browser.post("/auth/register", {"email": email, "password": password})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and why in words(answer)
    assert f'aria-describedby="{beside}-d"' in text and text.count('aria-invalid="true"') == 1
    assert not password or password not in text
    assert db.session.scalar(select(func.count()).select_from(User)) == 0


@pytest.mark.parametrize(
    "typed", ["  ALICE@Example.COM ", "alice@example.com", "Alice@EXAMPLE.com"], ids=["spaces", "plain", "upper"]
)
def test_one_address_is_one_account_however_it_is_typed(
    browser: Browser, run_jobs: Callable[[], int], typed: str
) -> None:
    make_account("alice")
    register(browser, typed)
    run_jobs()
    assert db.session.scalar(select(func.count()).select_from(User)) == 1
    assert browser.post("/auth/signin", {"email": typed, "password": PASSWORD}).status_code == 303


def test_an_address_in_unicode_and_its_punycode_are_one_account(browser: Browser, run_jobs: Callable[[], int]) -> None:
    register(browser, "sam@bücher.example")
    register(browser, "sam@xn--bcher-kva.example")
    run_jobs()
    assert db.session.scalars(select(User.email)).all() == ["sam@xn--bcher-kva.example"]
    assert {letter.recipient for letter in letters("confirm_address")} == {"sam@xn--bcher-kva.example"}


def test_what_a_form_does_not_ask_for_is_not_taken(browser: Browser) -> None:
    """No mass assignment: nobody registers as somebody with rights."""
    more = {"role": "admin", "email_confirmed_at": "2026-01-01", "id": "7", "auth_version": "9", "name": "Mallory"}
    browser.post("/auth/register", {"email": ALICE, "password": PASSWORD, **more})
    user = db.session.scalars(select(User)).one()
    assert (user.role, user.email_confirmed_at, user.auth_version, user.name) == ("customer", None, 1, "")


def test_a_signed_in_customer_is_led_to_the_account(browser: Browser) -> None:
    sign_in(browser, "alice")
    for path in ("/auth/register", "/auth/signin"):
        answer = browser.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/orders")


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:3999.evil.example"])
def test_a_forged_host_is_in_no_link(browser: Browser, run_jobs: Callable[[], int], host: str) -> None:
    headers = {"X-Forwarded-Host": host, "Forwarded": f"host={host}", "X-Forwarded-For": "203.0.113.9"}
    browser.post("/auth/register", {"email": ALICE, "password": PASSWORD}, headers=headers)
    browser.post("/auth/forgot-password", {"email": ALICE}, headers=headers)
    run_jobs()
    for letter in (*letters("confirm_address"), *letters("reset_password")):
        assert "http://127.0.0.1:3999/auth/" in letter.text and host not in letter.text + letter.html


def test_a_guests_account_is_no_account_of_another(browser: Browser, link: str) -> None:
    """Bob, who is signed in, follows Alice's link: it opens hers, and changes nothing of his."""
    sign_in(browser, "bob")
    page = browser.get(link)
    token = {"csrf_token": field(page, "csrf_token"), "token": field(page, "token"), "password": PASSWORD}
    assert browser.post("/auth/confirm", token).status_code == 303
    assert accounts.authenticate(ALICE, PASSWORD).email == ALICE
    assert "Bob" in browser.get("/settings").get_data(as_text=True)
