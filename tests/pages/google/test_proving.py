"""Showing once more who one is, by Google: by one's own account there, never by another, and nobody is switched."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from sqlalchemy import func, select

from mountify import db
from mountify.models.account import OAuthIdentity, User
from tests.cast import sign_in, token_of
from tests.sandbox.google_shop import choose
from tests.web import field, words

from .conftest import ALICE, NORA, Visit

BEHIND = "/settings/email"  # what asks for a proof


def begin(visit: Visit) -> str:
    return visit.begin(purpose="proof", next=BEHIND, csrf_token=token_of(visit.browser))


def accounts() -> int:
    db.release()
    return db.session.scalar(select(func.count()).select_from(User)) or 0


def session_id(visit: Visit) -> str:
    cookie = visit.browser.client.get_cookie("mountify", domain="127.0.0.1")
    assert cookie is not None
    return cookie.value


def test_who_comes_by_google_alone_shows_it_there_in_a_new_session(visit: Visit) -> None:
    visit.sign_in(NORA)
    visit.grow_old()
    assert visit.browser.get(BEHIND).headers["Location"] == f"/auth/proof?next={BEHIND}"
    page = visit.browser.get(f"/auth/proof?next={BEHIND}")
    assert field(page, "purpose") == "proof" and field(page, "next") == BEHIND
    assert "Continue with Google" in words(page) and "Send link" not in words(page)

    before, url = session_id(visit), begin(visit)
    subject = db.session.scalars(select(OAuthIdentity.subject)).one()
    db.release()
    asked = parse_qs(urlsplit(url).query)
    assert (asked["login_hint"], asked["prompt"]) == ([subject], ["select_account"])
    answer = visit.come_back(choose(visit.sandbox, url, NORA))
    assert (answer.status_code, answer.headers["Location"]) == (303, BEHIND)
    assert session_id(visit) != before and visit.browser.get(BEHIND).status_code == 200


def test_somebody_else_at_google_shows_nothing_and_signs_nobody_in(visit: Visit, other: Visit) -> None:
    """Be they a stranger to the shop, or the owner of another account."""
    visit.sign_in(NORA)
    visit.grow_old()
    before = session_id(visit)
    for is_known in (False, True):
        if is_known:
            other.sign_in(ALICE)
        answer = visit.come_back(choose(visit.sandbox, begin(visit), ALICE))
        assert answer.status_code == 403
        assert "That is another Google account than the one that signs in here." in words(answer)
        assert session_id(visit) == before and NORA in words(visit.browser.get("/settings")).replace(" @", "@")
        assert visit.browser.get(BEHIND).headers["Location"] == f"/auth/proof?next={BEHIND}"
        assert accounts() == 1 + is_known


def test_google_is_offered_beside_the_password_to_who_has_connected_it(visit: Visit) -> None:
    sign_in(visit.browser, "alice")
    assert "Continue with Google" not in words(visit.browser.get("/auth/proof"))
    form = {"purpose": "connect", "csrf_token": token_of(visit.browser)}
    visit.come_back(choose(visit.sandbox, visit.begin(**form), NORA))
    page = visit.browser.get("/auth/proof")
    assert "Continue with Google" in words(page) and 'id="password"' in page.get_data(as_text=True)
    wrong = visit.browser.post("/auth/proof", {"password": "wrong", "csrf_token": form["csrf_token"]})
    assert wrong.status_code == 422 and "Continue with Google" in words(wrong)


def test_a_guest_has_nothing_to_show(visit: Visit) -> None:
    visit.browser.get("/auth/signin")
    answer = visit.browser.post("/auth/google", {"purpose": "proof"})
    assert answer.status_code == 303 and answer.headers["Location"].startswith("/auth/signin?next=")
    part = visit.browser.htmx("POST", "/auth/google", {"purpose": "proof"})
    assert part.headers["HX-Redirect"].startswith("/auth/signin?next=")


def test_a_proof_is_given_by_the_session_that_asked_for_it(visit: Visit) -> None:
    visit.sign_in(NORA)
    url = choose(visit.sandbox, begin(visit), NORA).location
    visit.browser.post("/auth/signout", {"csrf_token": token_of(visit.browser)})
    assert visit.come_back(url).status_code == 400 and not visit.is_signed_in
