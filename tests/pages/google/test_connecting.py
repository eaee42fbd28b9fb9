"""An account that exists and a person at Google: joined after the password, connected while signed in, let go again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from mountify import db
from mountify.app import create_app
from mountify.config import Config
from mountify.core.clock import utcnow
from mountify.gateways import Gateways, from_config
from mountify.models.account import OAuthIdentity, User
from mountify.models.email import Email
from mountify.services import accounts, google_sign_in
from tests.cast import PASSWORD, sign_in, token_of
from tests.fakes import FakeMailer
from tests.sandbox.google_shop import choose
from tests.sandbox.support import Running
from tests.web import Browser, field, words

from .conftest import ALICE, NORA, URSULA, Visit

LOST = "This sign-in is over, or was begun in another browser."
MISMATCH = "That email and password do not match."


def make_alice() -> int:
    return accounts.create(ALICE, PASSWORD, name="Alice", now=utcnow())


def identities() -> list[int]:
    db.release()
    found = list(db.session.scalars(select(OAuthIdentity.user_id).order_by(OAuthIdentity.id)))
    db.release()
    return found


def connect(visit: Visit, email: str = NORA, leads_to: str = "/cart") -> Any:
    """Connect from a page of one's account."""
    form = {"purpose": "connect", "next": leads_to, "csrf_token": token_of(visit.browser)}
    return visit.come_back(choose(visit.sandbox, visit.begin(**form), email))


def test_an_existing_account_is_joined_after_its_password_only(
    visit: Visit, mailer: FakeMailer, run_jobs: Callable[[], int]
) -> None:
    alice = make_alice()
    answer = visit.sign_in(ALICE, next="/cart")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/google/link")
    page = visit.browser.get("/auth/google/link")
    assert "An account with this address exists. Enter its password to connect Google to it." in words(page)
    assert f'value="{ALICE}" readonly' in page.get_data(as_text=True)
    assert not visit.is_signed_in and identities() == []

    answer = visit.browser.post("/auth/google/link", {"password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")
    assert visit.is_signed_in and identities() == [alice]
    assert visit.browser.client.get_cookie("google", domain="127.0.0.1") is None
    run_jobs()
    (mail,) = mailer.sent.values()
    assert mail["to"] == ALICE and mail["subject"].startswith("Google can now sign in to your account")


def test_from_then_on_google_alone_is_enough(visit: Visit, other: Visit) -> None:
    make_alice()
    visit.sign_in(ALICE)
    visit.browser.post("/auth/google/link", {"password": PASSWORD})
    assert other.sign_in(ALICE).headers["Location"] == "/" and other.is_signed_in


def test_a_wrong_password_joins_nothing_and_may_be_tried_again(visit: Visit) -> None:
    make_alice()
    visit.sign_in(ALICE)
    empty = visit.browser.post("/auth/google/link", {"password": ""})
    assert empty.status_code == 422 and "Enter your password." in words(empty)
    long = visit.browser.post("/auth/google/link", {"password": "x" * 1001})
    assert long.status_code == 422 and "A password has at most 72 bytes" in words(long)
    for password in ("wrong", "x" * 999, "null\0"):
        answer = visit.browser.post("/auth/google/link", {"password": password})
        assert answer.status_code == 401 and MISMATCH in words(answer) and password not in words(answer)
    assert identities() == [] and not visit.is_signed_in
    assert visit.browser.post("/auth/google/link", {"password": PASSWORD}).status_code == 303


@pytest.mark.parametrize("closed", [{"disabled_at": utcnow()}, {"password_hash": None}])
def test_an_account_that_no_password_opens_says_what_a_wrong_password_does(
    visit: Visit, closed: dict[str, object]
) -> None:
    make_alice()
    db.session.execute(update(User).values(**closed))
    db.session.commit()
    visit.sign_in(ALICE)
    answer = visit.browser.post("/auth/google/link", {"password": PASSWORD})
    assert answer.status_code == 401 and MISMATCH in words(answer) and identities() == []


def test_joining_confirms_the_address_that_google_has_verified(visit: Visit) -> None:
    alice = make_alice()
    visit.sign_in(ALICE)
    visit.browser.post("/auth/google/link", {"password": PASSWORD})
    assert db.session.get_one(User, alice).email_confirmed_at is not None


def test_the_question_for_the_password_is_bound_to_its_browser(visit: Visit, other: Visit) -> None:
    make_alice()
    visit.sign_in(ALICE)
    answer = other.browser.post("/auth/google/link", {"password": PASSWORD})
    assert answer.status_code == 400 and LOST in words(answer)
    sign_in(visit.browser, "bob")
    data = {"password": PASSWORD, "csrf_token": token_of(visit.browser)}
    answer = visit.browser.post("/auth/google/link", data)
    assert answer.status_code == 400 and LOST in words(answer)
    assert visit.browser.get("/auth/google/link").status_code == 400 and identities() == []


def test_what_is_posted_beside_the_password_changes_nothing(visit: Visit) -> None:
    make_alice()
    accounts.create("bob@example.com", "another long password", now=utcnow())
    visit.sign_in(ALICE)
    data = {"password": "another long password", "email": "bob@example.com", "user_id": "2", "subject": "1"}
    assert visit.browser.post("/auth/google/link", data).status_code == 401 and identities() == []


def test_the_guests_cart_and_a_new_session_come_with_joining(visit: Visit) -> None:
    make_alice()
    visit.sign_in(ALICE)
    assert visit.browser.client.get_cookie("mountify", domain="127.0.0.1") is None
    visit.browser.post("/auth/google/link", {"password": PASSWORD})
    assert visit.browser.client.get_cookie("mountify", domain="127.0.0.1") is not None


def test_whoever_is_signed_in_connects_google_whatever_its_address(visit: Visit, other: Visit) -> None:
    sign_in(visit.browser, "alice")
    answer = connect(visit)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")
    assert "Google is connected to your account." in words(visit.browser.get("/cart"))
    (mail,) = db.session.scalars(select(Email))
    assert (mail.kind, mail.recipient) == ("sign_in_added", "alice@example.com")
    db.release()
    connect(visit)
    assert len(identities()) == 1
    other.sign_in(NORA)
    assert field(other.browser.get("/settings"), "name") == "Alice"


def test_nobody_connects_an_address_that_google_does_not_vouch_for(visit: Visit) -> None:
    sign_in(visit.browser, "alice")
    answer = connect(visit, URSULA)
    assert answer.status_code == 403 and "That did not work" in words(answer)
    assert "Your account" in words(answer) and identities() == []


def test_what_opens_another_account_is_not_connected(visit: Visit, other: Visit) -> None:
    other.sign_in(NORA)
    sign_in(visit.browser, "alice")
    answer = connect(visit)
    assert answer.status_code == 409 and "signs in to another account here" in words(answer)
    assert len(identities()) == 1


def test_a_guest_connects_nothing(visit: Visit) -> None:
    visit.browser.get("/auth/signin")
    answer = visit.browser.post("/auth/google", {"purpose": "connect"})
    assert answer.status_code == 303 and answer.headers["Location"] == "/auth/signin?next=/auth/signin"
    part = visit.browser.htmx("POST", "/auth/google", {"purpose": "connect"})
    assert part.headers["HX-Redirect"] == "/auth/signin?next=/auth/signin"


def test_a_connection_is_made_by_the_session_that_asked_for_it(visit: Visit) -> None:
    """Mallory's way back, followed by Alice, connects nothing to Alice's account, and hers nothing to Bob's."""
    sign_in(visit.browser, "alice")
    form = {"purpose": "connect", "csrf_token": token_of(visit.browser)}
    url = choose(visit.sandbox, visit.begin(**form), NORA).location
    visit.browser.post("/auth/signout", {"csrf_token": form["csrf_token"]})
    sign_in(visit.browser, "bob")
    assert visit.come_back(url).status_code == 400 and identities() == []


def test_ways_to_sign_in_are_changed_only_by_who_has_just_shown_who_they_are(visit: Visit) -> None:
    sign_in(visit.browser, "alice")
    connect(visit)
    (identity,) = google_sign_in.list_identities(identities()[0])
    data = {"purpose": "connect", "csrf_token": token_of(visit.browser)}
    visit.grow_old()
    for path in ("/auth/google", f"/auth/google/identities/{identity.id}/removal"):
        answer = visit.browser.post(path, data)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/proof?next=/settings")
        assert visit.browser.htmx("POST", path, data).headers["HX-Redirect"] == "/auth/proof?next=/settings"
    assert len(identities()) == 1


def test_a_proof_that_is_too_old_by_the_way_back_connects_nothing(visit: Visit) -> None:
    sign_in(visit.browser, "alice")
    form = {"purpose": "connect", "csrf_token": token_of(visit.browser)}
    url = choose(visit.sandbox, visit.begin(**form), NORA).location
    visit.grow_old()
    answer = visit.come_back(url)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/auth/proof?next=/settings")
    assert identities() == []


def test_google_is_let_go_by_who_has_another_way_in_and_they_are_told(visit: Visit) -> None:
    sign_in(visit.browser, "alice")
    connect(visit)
    alice = identities()[0]
    (identity,) = google_sign_in.list_identities(alice)
    path = f"/auth/google/identities/{identity.id}/removal"
    db.release()
    answer = visit.browser.post(path, {"csrf_token": token_of(visit.browser)})
    assert answer.status_code == 303 and identities() == []
    assert "Google does not sign in to your account any more." in words(visit.browser.get("/settings"))
    kinds = db.session.execute(select(Email.kind, Email.recipient).order_by(Email.id)).all()
    assert kinds == [("sign_in_added", "alice@example.com"), ("sign_in_removed", "alice@example.com")]
    db.release()


def test_the_last_way_in_is_not_let_go(visit: Visit) -> None:
    visit.sign_in(NORA)
    (identity,) = google_sign_in.list_identities(identities()[0])
    path = f"/auth/google/identities/{identity.id}/removal"
    data = {"csrf_token": token_of(visit.browser)}
    assert visit.browser.post(path, data).status_code == 303
    assert "This is the only way to sign in to your account." in words(visit.browser.get("/settings"))
    assert visit.browser.htmx("POST", path, data).status_code == 409
    assert len(identities()) == 1


def test_nobody_lets_go_of_somebody_elses_google(visit: Visit, other: Visit) -> None:
    visit.sign_in(NORA)
    (identity,) = google_sign_in.list_identities(identities()[0])
    path = f"/auth/google/identities/{identity.id}/removal"
    sign_in(other.browser, "mallory")
    assert other.browser.post(path, {"csrf_token": token_of(other.browser)}).status_code == 404
    assert len(identities()) == 1


def test_a_password_is_tried_for_one_account_ten_times_in_five_minutes(
    google_config: Config, gateways: Gateways, app: Flask, sandbox: Running
) -> None:
    limited = replace(google_config, rate_limits=True)
    visit = Visit(Browser(create_app(limited, replace(gateways, google=from_config(limited).google))), sandbox)
    make_alice()
    visit.sign_in(ALICE)
    for place in range(10):
        environ = {"REMOTE_ADDR": f"192.0.2.{place}"}
        answer = visit.browser.post("/auth/google/link", {"password": "wrong"}, environ_base=environ)
        assert answer.status_code == 401
    answer = visit.browser.post("/auth/google/link", {"password": PASSWORD}, environ_base={"REMOTE_ADDR": "192.0.2.99"})
    assert answer.status_code == 429 and identities() == []
