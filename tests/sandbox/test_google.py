"""Authlib's own client signs in with Google as the sandbox plays it, and refuses what is wrong about it."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from authlib.integrations.base_client.errors import MismatchingStateError, OAuthError
from joserfc.errors import JoseError

from mountify.sandbox.google_api import rules
from mountify.supervisor.house import SANDBOX_GOOGLE

from .google_shop import (
    CLIENT_ID,
    GoogleShop,
    accounts,
    answer_of,
    auth_url,
    choose,
    code_of,
    exchange,
    invent,
    issuer_of,
)
from .support import Running

ALICE = "alice@mountify.example"


@pytest.fixture
def shop_with_google(sandbox: Running) -> GoogleShop:
    return GoogleShop(sandbox)


def userinfo(sandbox: Running, access_token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {access_token}"}
    return requests.get(f"{issuer_of(sandbox)}/v1/userinfo", headers=headers, timeout=10)


def test_the_house_tells_the_shop_the_client_that_google_knows() -> None:
    assert SANDBOX_GOOGLE == (rules.CLIENT_ID, rules.CLIENT_SECRET)


def test_a_sign_in_tells_who_it_is(sandbox: Running, shop_with_google: GoogleShop) -> None:
    url = shop_with_google.begin()
    assert "code_challenge_method=S256" in url and "nonce=" in url
    token = shop_with_google.come_back(choose(sandbox, url, ALICE).location)

    claims = token["userinfo"]
    digest = hashlib.sha256(token["access_token"].encode()).digest()
    assert claims == {
        "iss": issuer_of(sandbox),
        "azp": CLIENT_ID,
        "aud": CLIENT_ID,
        "sub": claims["sub"],
        "email": ALICE,
        "email_verified": True,
        "at_hash": base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode(),
        "nonce": claims["nonce"],
        "name": "Alice Archer",
        "picture": f"http://localhost:{sandbox.port}/static/face.svg",
        "given_name": "Alice",
        "family_name": "Archer",
        "iat": claims["iat"],
        "exp": claims["iat"] + 3600,
    }
    assert len(claims["sub"]) == 21 and claims["sub"].isdigit() and f"nonce={claims['nonce']}" in url
    assert abs(claims["iat"] - time.time()) < 60
    assert (token["token_type"], token["expires_in"]) == ("Bearer", 3599)
    assert sandbox.get(claims["picture"]).headers["Content-Type"].startswith("image/svg+xml")
    told = userinfo(sandbox, token["access_token"]).json()
    assert told == {name: claims[name] for name in told} and told["email"] == ALICE


def test_the_shop_is_told_as_much_as_it_asked_for(sandbox: Running) -> None:
    claims = GoogleShop(sandbox, scope="openid").sign_in()["userinfo"]
    assert not {"email", "email_verified", "name", "picture"} & set(claims)
    claims = GoogleShop(sandbox, scope="openid email").sign_in()["userinfo"]
    assert claims["email"] == ALICE and "name" not in claims


def test_the_same_person_has_the_same_number_every_time(shop_with_google: GoogleShop) -> None:
    subs = [shop_with_google.sign_in(email)["userinfo"]["sub"] for email in (ALICE, ALICE, "nora@example.com")]
    assert subs[0] == subs[1] != subs[2]


@pytest.mark.parametrize(
    ("email", "claims", "absent"),
    [
        ("ursula@example.org", {"email_verified": False}, "hd"),
        ("otto@office.example", {"hd": "office.example", "email_verified": True}, None),
        ("madonna@example.net", {"name": "Madonna", "given_name": "Madonna"}, "family_name"),
    ],
)
def test_people_differ(shop_with_google: GoogleShop, email: str, claims: dict[str, Any], absent: str | None) -> None:
    told = shop_with_google.sign_in(email)["userinfo"]
    assert {name: told[name] for name in claims} == claims and absent not in told


def test_an_invented_person_is_remembered(sandbox: Running, shop_with_google: GoogleShop) -> None:
    page = invent(sandbox, shop_with_google.begin(), name="Zoë  van Dam", email="Zoe@Example.com")
    first = shop_with_google.come_back(page.location)["userinfo"]
    assert (first["name"], first["given_name"], first["family_name"]) == ("Zoë van Dam", "Zoë", "van Dam")
    assert (first["email"], first["email_verified"]) == ("Zoe@example.com", False)

    page = invent(sandbox, shop_with_google.begin(), name="Zoe", email="zoe@example.com", verified="1")
    again = shop_with_google.come_back(page.location)["userinfo"]
    assert (again["sub"], again["name"], again["email_verified"]) == (first["sub"], "Zoe", True)
    assert shop_with_google.sign_in("zoe@example.com")["userinfo"]["sub"] == first["sub"]


def test_an_account_keeps_its_number_when_its_address_changes(sandbox: Running) -> None:
    shop = GoogleShop(sandbox)
    alice = shop.sign_in()["userinfo"]["sub"]
    page = invent(sandbox, shop.begin(), name="Alice Archer", email="alice@example.net", sub=alice)
    assert shop.come_back(page.location)["userinfo"]["sub"] == alice

    page = invent(sandbox, shop.begin(), name="Another Alice", email=ALICE, verified="1")
    other = shop.come_back(page.location)["userinfo"]
    assert other["email"] == ALICE and other["sub"] != alice and len(other["sub"]) == 21
    page = invent(sandbox, shop.begin(), name="Alice Archer", email=ALICE, sub=alice)
    assert page.errors() == {"email": f"This address belongs to the account {other['sub']}."}


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({}, {"name", "email"}),
        ({"name": "Sam", "email": "sam"}, {"email"}),
        ({"name": "Sam", "email": "sam@example.com\r\nX: y"}, {"email"}),
        ({"name": "x" * 101, "email": "sam@example.com"}, {"name"}),
        ({"name": "Sam\x00", "email": "sam@example.com"}, {"name"}),
        ({"name": "Sam", "email": "sam@example.com", "sub": "7"}, {"sub"}),
        ({"person": "7"}, {"person"}),
    ],
)
def test_nobody_is_made_of_nonsense(sandbox: Running, form: dict[str, str], wrong: set[str]) -> None:
    page = invent(sandbox, auth_url(sandbox), **form)
    assert (page.status, set(page.errors())) == (422, wrong)


def test_the_page_of_accounts_follows_the_hints(sandbox: Running) -> None:
    page = sandbox.get(auth_url(sandbox, login_hint="ursula@example.org", prompt="select_account consent"))
    assert next(iter(accounts(page))) == "ursula@example.org"
    assert 'name="email" type="email" value="ursula@example.org"' in page.text
    for hd in ("office.example", "*"):
        assert list(accounts(sandbox.get(auth_url(sandbox, hd=hd)))) == ["otto@office.example"]
    assert "Nobody of this organisation" in sandbox.get(auth_url(sandbox, hd="elsewhere.example")).text


def test_who_cancels_comes_back_with_nothing(sandbox: Running, shop_with_google: GoogleShop) -> None:
    page = sandbox.get(shop_with_google.begin())
    link = page.text.split('id="cancel" href="')[1].split('"')[0].replace("&amp;", "&")
    with pytest.raises(OAuthError, match="access_denied"):
        shop_with_google.come_back(link)
    assert "state=" in link


def test_another_browsers_answer_is_refused(sandbox: Running, shop_with_google: GoogleShop) -> None:
    location = choose(sandbox, shop_with_google.begin(), ALICE).location
    with pytest.raises(MismatchingStateError):
        GoogleShop(sandbox).come_back(location)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("wrong_nonce", "nonce"),
        ("no_nonce", "nonce"),
        ("wrong_audience", "aud"),
        ("wrong_party", "azp"),
        ("wrong_issuer", "iss"),
        ("expired", "expired"),
        ("wrong_hash", "at_hash"),
        ("wrong_signature", "bad_signature"),
        ("unsigned", "[Aa]lgorithm"),
    ],
)
def test_authlib_refuses_a_wrong_token_once(
    sandbox: Running, shop_with_google: GoogleShop, how: str, words: str
) -> None:
    assert sandbox.order("/_google/next_token", {"how": how}) == {"how": how}
    with pytest.raises(JoseError, match=words):
        shop_with_google.sign_in()
    assert json.loads(sandbox.get("/_google/next_token").text) == {"how": None}
    assert shop_with_google.sign_in()["userinfo"]["email"] == ALICE


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("unverified", {"email": ALICE, "email_verified": False}),
        ("verified_as_text", {"email": ALICE, "email_verified": "true"}),
        ("no_email", {}),
    ],
)
def test_what_authlib_lets_pass_says_what_it_claims(
    sandbox: Running, shop_with_google: GoogleShop, how: str, told: dict[str, Any]
) -> None:
    sandbox.order("/_google/next_token", {"how": how})
    claims = shop_with_google.sign_in()["userinfo"]
    assert {name: claims[name] for name in ("email", "email_verified") if name in claims} == told


def test_an_id_token_can_be_missing(sandbox: Running, shop_with_google: GoogleShop) -> None:
    sandbox.order("/_google/next_token", {"how": "missing"})
    assert not {"id_token", "userinfo"} & set(shop_with_google.sign_in())


@pytest.mark.parametrize("order", [{"how": "nicely"}, {"how": None}, {"how": ["expired"]}, {"way": "expired"}])
def test_a_token_is_wrong_in_a_known_way_only(sandbox: Running, order: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    page = sandbox.request("POST", "/_google/next_token", json.dumps(order).encode(), headers)
    assert page.status == 400 and json.loads(page.text)["error"]


def test_a_shop_with_another_secret_gets_nothing(sandbox: Running) -> None:
    with pytest.raises(OAuthError, match="invalid_client"):
        GoogleShop(sandbox, secret="GOCSPX-guessed").sign_in()


def test_a_code_works_once_and_a_second_try_ends_what_the_first_got(
    sandbox: Running, shop_with_google: GoogleShop
) -> None:
    location = choose(sandbox, shop_with_google.begin(), ALICE).location
    with shop_with_google.browser.session_transaction() as session:
        kept = dict(session)
    token = shop_with_google.come_back(location)
    assert userinfo(sandbox, token["access_token"]).status_code == 200
    with shop_with_google.browser.session_transaction() as session:
        session.update(kept)
    with pytest.raises(OAuthError, match="invalid_grant: Bad Request"):
        shop_with_google.come_back(location)
    assert userinfo(sandbox, token["access_token"]).status_code == 401


def test_of_ten_tries_at_once_one_gets_the_tokens(sandbox: Running) -> None:
    code = code_of(sandbox)
    with ThreadPoolExecutor(10) as pool:
        statuses = [answer.status_code for answer in pool.map(lambda _: exchange(sandbox, code=code), range(10))]
    assert sorted(statuses) == [200] + [400] * 9


def test_a_code_lives_ten_minutes(sandbox: Running) -> None:
    codes = [code_of(sandbox) for _ in range(2)]
    sandbox.order("/_clock", {"advance_s": 300})
    assert exchange(sandbox, code=codes[0]).status_code == 200
    sandbox.order("/_clock", {"advance_s": 300})
    late = exchange(sandbox, code=codes[1])
    assert (late.status_code, late.json()) == (400, {"error": "invalid_grant", "error_description": "Bad Request"})


def test_an_access_token_lives_an_hour(sandbox: Running) -> None:
    token = exchange(sandbox, code=code_of(sandbox)).json()["access_token"]
    sandbox.order("/_clock", {"advance_s": 3000})
    assert userinfo(sandbox, token).status_code == 200
    sandbox.order("/_clock", {"advance_s": 600})
    assert userinfo(sandbox, token).status_code == 401


def test_a_sign_in_works_with_the_sandboxs_clock_ahead(sandbox: Running, shop_with_google: GoogleShop) -> None:
    sandbox.order("/_clock", {"advance_s": 7 * 24 * 3600})
    assert shop_with_google.sign_in()["userinfo"]["email"] == ALICE


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_failing_token_endpoint_says_so_in_oauths_shape(sandbox: Running, status: int) -> None:
    code = code_of(sandbox)
    sandbox.order("/_faults", {"service": "google", "path_prefix": "/google/token", "status": status})
    answer = exchange(sandbox, code=code)
    assert answer.status_code == status and set(answer.json()) == {"error", "error_description"}
    assert exchange(sandbox, code=code).status_code == 200


def test_a_provider_that_is_down_is_felt_at_each_step(sandbox: Running) -> None:
    sandbox.order("/_faults", {"service": "google", "status": 503})
    with pytest.raises(requests.HTTPError):
        GoogleShop(sandbox).begin()
    shop = GoogleShop(sandbox)
    location = choose(sandbox, shop.begin(), ALICE).location
    sandbox.order("/_faults", {"service": "google", "status": 500})
    with pytest.raises(requests.HTTPError):
        shop.come_back(location)


def test_a_cut_answer_leaves_a_used_code(sandbox: Running) -> None:
    code = code_of(sandbox)
    sandbox.order("/_faults", {"service": "google", "path_prefix": "/google/token", "cut": True})
    with pytest.raises(requests.ConnectionError):
        exchange(sandbox, code=code)
    assert exchange(sandbox, code=code).json()["error"] == "invalid_grant"


def test_a_code_a_used_code_a_person_and_the_keys_survive_a_kill(own_sandbox: Running) -> None:
    shop = GoogleShop(own_sandbox)
    invent(own_sandbox, shop.begin(), name="Zoe", email="zoe@example.com", verified="1")
    location = choose(own_sandbox, shop.begin(), "zoe@example.com").location
    used, keys = code_of(own_sandbox), own_sandbox.get("/google/oauth2/v3/certs").text
    assert exchange(own_sandbox, code=used).status_code == 200
    own_sandbox.order("/_google/next_token", {"how": "unverified"})
    own_sandbox.kill()
    own_sandbox.start()

    assert own_sandbox.get("/google/oauth2/v3/certs").text == keys
    claims = shop.come_back(location)["userinfo"]
    assert (claims["email"], claims["email_verified"]) == ("zoe@example.com", False)
    assert exchange(own_sandbox, code=used).json()["error"] == "invalid_grant"


def test_a_reset_forgets_people_codes_and_keys(sandbox: Running) -> None:
    shop, code = GoogleShop(sandbox), code_of(sandbox)
    shop.sign_in()
    invent(sandbox, auth_url(sandbox), name="Zoe", email="zoe@example.com")
    sandbox.order("/_reset", {})
    assert exchange(sandbox, code=code).status_code == 400
    assert "zoe@example.com" not in accounts(sandbox.get(auth_url(sandbox)))
    # A client that has kept the old keys asks for the new ones by itself.
    assert shop.sign_in()["userinfo"]["email"] == ALICE


def test_the_sandboxs_page_tells_of_people_and_sign_ins(sandbox: Running, shop_with_google: GoogleShop) -> None:
    assert "Nobody has signed in yet" in sandbox.get("/google-accounts").text
    assert 'href="/google-accounts"' in sandbox.get("/").text
    shop_with_google.sign_in()
    answer_of(choose(sandbox, auth_url(sandbox), "nora@example.com"))
    page = sandbox.get("/google-accounts").text
    assert page.count("code redeemed") == page.count("code not redeemed") == 1
    for told in (*SANDBOX_GOOGLE, issuer_of(sandbox), "ursula@example.org"):
        assert told in page
