"""From the button to the account: what a sign-in with Google does, and what it leaves behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from mountify import db
from mountify.app import create_app
from mountify.config import Config
from mountify.core.tokens import hash_token
from mountify.gateways import Gateways, from_config
from mountify.models.account import OAuthIdentity, User, UserSession
from mountify.models.cart import CartItem
from mountify.web.google_cookie import LASTS, cookie_name
from tests.cast import PASSWORD, sign_in, token_of
from tests.factories import make_product
from tests.sandbox.google_shop import choose
from tests.sandbox.support import Running
from tests.web import ORIGIN, Browser, words

from .conftest import NORA, Visit


def count(model: Any) -> int:
    db.release()
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_the_button_leads_to_google_with_state_nonce_and_pkce(visit: Visit) -> None:
    page = visit.browser.get("/auth/signin?next=/cart")
    assert "Continue with Google" in words(page) and 'name="next" value="/cart"' in page.get_data(as_text=True)
    page = visit.browser.get("/auth/register?next=/cart")
    assert "Continue with Google" in words(page) and page.get_data(as_text=True).count('name="next" value="/cart"') == 2
    asked = {name: values[0] for name, values in parse_qs(urlsplit(visit.begin()).query).items()}
    assert (asked["redirect_uri"], asked["code_challenge_method"]) == (f"{ORIGIN}/auth/google/callback", "S256")
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert all(len(asked[name]) >= 43 for name in ("state", "nonce", "code_challenge"))
    part = visit.browser.htmx("POST", "/auth/google", {"next": "/"})
    assert part.status_code == 200 and "/google/o/oauth2/v2/auth?" in part.headers["HX-Redirect"]


def test_somebody_new_has_an_account_and_is_signed_in(visit: Visit) -> None:
    answer = visit.sign_in(NORA, next="/cart")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cart")
    assert visit.is_signed_in and count(User) == count(OAuthIdentity) == 1


def test_the_same_person_comes_to_the_same_account(visit: Visit, other: Visit) -> None:
    visit.sign_in()
    other.sign_in()
    assert count(User) == 1 and count(UserSession) == 2


def test_an_account_without_a_password_opens_to_no_password(visit: Visit, other: Visit) -> None:
    visit.sign_in()
    for password, status in (("", 422), ("None", 401), (PASSWORD, 401)):
        answer = other.browser.post("/auth/signin", {"email": NORA, "password": password, "next": "/"})
        assert answer.status_code == status
    assert "That email and password do not match." in words(answer) and not other.is_signed_in


def test_the_guests_cart_comes_along(visit: Visit) -> None:
    product = make_product(stock=5)
    visit.browser.get(f"/products/{product.id}-{product.slug}")
    visit.browser.post("/cart/items", {"product_id": product.id, "quantity": 2})
    visit.sign_in()
    assert product.name in words(visit.browser.get("/cart"))
    assert count(CartItem) == 1 and "cart" not in visit.browser.cookies()


def test_a_sign_in_begins_a_session_under_a_new_id(visit: Visit) -> None:
    sign_in(visit.browser, "bob")
    before = visit.browser.client.get_cookie("mountify", domain="127.0.0.1")
    url = visit.browser.post("/auth/google", {"csrf_token": token_of(visit.browser)}).headers["Location"]
    visit.come_back(choose(visit.sandbox, url, NORA))
    after = visit.browser.client.get_cookie("mountify", domain="127.0.0.1")
    assert before and after and before.value != after.value
    ended = db.session.get(UserSession, hash_token(before.value))
    assert ended is not None and ended.revoked_at is not None
    assert NORA.split("@")[0] in words(visit.browser.get("/settings"))


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "/%2f/evil.example"]
)
def test_nobody_is_led_elsewhere_by_way_of_google(visit: Visit, elsewhere: str) -> None:
    assert visit.sign_in(next=elsewhere).headers["Location"] == "/"


def test_where_google_sends_the_browser_back_to_is_never_a_name_of_the_requests(app: Flask) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    answer = app.test_client().post("/auth/google", base_url=ORIGIN, headers=headers)
    assert answer.status_code == 400
    answer = app.test_client().post("/auth/google", base_url=ORIGIN, headers={**headers, "Host": "127.0.0.1:3999"})
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A3999%2Fauth" in answer.headers["Location"]


def test_what_the_browser_remembers_is_for_ten_minutes_and_not_for_scripts(visit: Visit) -> None:
    answer = visit.browser.post("/auth/google")
    (cookie,) = (one for one in answer.headers.getlist("Set-Cookie") if one.startswith("google="))
    for part in ("HttpOnly", "SameSite=Lax", "Max-Age=600", "Path=/"):
        assert part in cookie
    assert LASTS.total_seconds() == 600 and "mountify=" not in str(answer.headers)
    assert visit.come_back(choose(visit.sandbox, answer.headers["Location"], NORA)).status_code == 303
    assert visit.browser.client.get_cookie("google", domain="127.0.0.1") is None


def test_over_https_the_cookie_is_held_to_this_host(google_config: Config) -> None:
    assert cookie_name(replace(google_config, base_url="https://shop.example")) == "__Host-google"


def test_a_form_of_ours_may_lead_to_google_only_where_google_is_asked(
    app: Flask, google_config: Config, config: Config, gateways: Gateways
) -> None:
    def form_action(of: Flask) -> str:
        policy = Browser(of).get("/auth/signin").headers["Content-Security-Policy"]
        return policy.split("form-action ")[1].split(";")[0]

    real = replace(google_config, google_issuer="https://accounts.google.com")
    there = create_app(real, replace(gateways, google=from_config(real).google))
    assert form_action(there) == "'self' http://localhost:3998 https://accounts.google.com"
    without = create_app(config, gateways)
    assert form_action(without) == "'self' http://localhost:3998"
    assert "Google" not in words(Browser(without).get("/auth/signin"))
    assert Browser(without).post("/auth/google").status_code == 404


def test_signing_in_with_google_works_while_redis_is_away(
    google_config: Config, gateways: Gateways, database: None, sandbox: Running
) -> None:
    lonely = replace(google_config, redis_url="redis://127.0.0.1:1/0")
    app = create_app(lonely, replace(gateways, google=from_config(lonely).google))
    visit = Visit(Browser(app), sandbox)
    assert visit.sign_in().status_code == 303 and visit.is_signed_in
