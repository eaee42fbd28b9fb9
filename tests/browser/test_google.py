"""Signing in with Google before a real browser, with and without script: every way it goes, and every way it fails."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from .conftest import PASSWORDS, Shop
from .test_buying import add_to_cart, address_of, open_part

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
BUTTON = "Continue with Google"
ALICE = "alice@mountify.example"


def pull(shop: Shop, lever: str, **order: object) -> None:
    """Let the sandbox's Google be wrong or away."""
    request = urllib.request.Request(
        f"{shop.sandbox}/{lever}", json.dumps(order).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200


def press(page: Page, path: str = "/auth/signin") -> None:
    page.goto(path)
    page.get_by_role("button", name=BUTTON).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Choose an account")


def invent(page: Page, email: str, *, is_verified: bool = True) -> None:
    """Be somebody new at Google."""
    page.get_by_label("Full name").fill("Nora Newcomer")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("checkbox").set_checked(is_verified)
    page.locator("#invent-button").click()


def expect_sentence(page: Page, sentence: str) -> None:
    expect(page.locator("main")).to_contain_text(sentence)


@pytest.fixture
def email(request: pytest.FixtureRequest) -> str:
    return address_of(request)


def test_somebody_new_buys_with_the_account_google_has_opened(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    open_part(page, "Ledge Phone Stand")
    add_to_cart(page, 2)
    expect(page.locator("#cart-badge")).to_contain_text("2")
    page.goto("/auth/signin?next=/cart")
    look("1-sign-in")
    page.get_by_role("button", name=BUTTON).click()
    look("2-google")
    invent(page, email)
    expect(page).to_have_url(f"{shop.url}/cart")
    expect_sentence(page, "You are signed in.")
    expect(page.locator("#cart-badge")).to_contain_text("2")
    look("3-signed-in")
    page.goto("/settings")
    expect_sentence(page, email)
    assert shop.one("SELECT password_hash IS NULL FROM users WHERE email = :email", email=email) is True
    page.get_by_role("button", name="Sign out", exact=True).click()
    press(page)
    page.get_by_role("button", name=email).click()
    expect_sentence(page, "You are signed in.")
    assert shop.one("SELECT count(*) FROM users WHERE email = :email", email=email) == 1


def test_an_account_is_joined_by_its_password(page: Page, shop: Shop, look: Callable[[str], None]) -> None:
    shop.do("DELETE FROM oauth_identities WHERE user_id = (SELECT id FROM users WHERE email = :email)", email=ALICE)
    mails = len(shop.mails_to(ALICE))
    press(page, "/auth/signin?next=/delivery")
    page.get_by_role("button", name=ALICE).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Connect Google")
    look("1-joining")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Connect and sign in").click()
    expect_sentence(page, "That email and password do not match.")
    look("2-wrong-password")
    page.get_by_label("Password").fill(PASSWORDS[ALICE])
    page.get_by_role("button", name="Connect and sign in").click()
    expect(page).to_have_url(f"{shop.url}/delivery")
    expect_sentence(page, "Google is connected, and you are signed in.")
    mail = shop.newest_mail_to(ALICE, more_than=mails)
    assert mail["subject"].startswith("Google can now sign in to your account")


def test_whoever_cancels_is_told_and_may_begin_again(page: Page, shop: Shop, look: Callable[[str], None]) -> None:
    press(page)
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are not signed in")
    expect_sentence(page, "You stopped at Google, so nobody was signed in.")
    look("1-cancelled")
    page.get_by_role("main").get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("button", name=BUTTON)).to_be_visible()


def test_an_address_that_is_not_verified_opens_nothing(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    press(page)
    invent(page, email, is_verified=False)
    expect_sentence(page, "Google has not verified your email address.")
    look("1-unverified")
    assert shop.one("SELECT count(*) FROM users WHERE email = :email", email=email) == 0


def test_a_google_that_is_away_is_said_before_and_after(
    page: Page, shop: Shop, email: str, look: Callable[[str], None]
) -> None:
    press(page)
    pull(shop, "_faults", service="google", path_prefix="/google/token", status=503)
    invent(page, email)
    expect_sentence(page, "We could not reach Google.")
    look("1-away")
    assert shop.one("SELECT count(*) FROM users WHERE email = :email", email=email) == 0


@pytest.mark.parametrize("way", ["wrong_nonce", "unsigned"])
def test_an_answer_that_cannot_be_trusted_opens_nothing(
    page: Page, shop: Shop, email: str, look: Callable[[str], None], way: str
) -> None:
    press(page)
    pull(shop, "_google/next_token", how=way)
    invent(page, email)
    expect_sentence(page, "What Google sent could not be trusted, so nobody was signed in.")
    look("1-untrusted")
    page.go_back()
    page.go_back()
    press(page)
    invent(page, email)
    expect_sentence(page, "You are signed in.")
