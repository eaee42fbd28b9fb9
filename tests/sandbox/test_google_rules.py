"""What Google refuses is refused, in its words, and nobody is led anywhere by it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from mountify.sandbox.google_api.rules import STRANGER_ID, STRANGER_SECRET

from .google_shop import (
    CHALLENGE,
    CLIENT_ID,
    CLIENT_SECRET,
    REDIRECT,
    VERIFIER,
    answer_of,
    auth_url,
    choose,
    code_of,
    exchange,
    invent,
    issuer_of,
)
from .support import GOOGLE_REDIRECTS, Running

# https://accounts.google.com/.well-known/openid-configuration
DISCOVERY = """
issuer authorization_endpoint device_authorization_endpoint token_endpoint userinfo_endpoint revocation_endpoint
jwks_uri response_types_supported response_modes_supported authorization_response_iss_parameter_supported
subject_types_supported id_token_signing_alg_values_supported scopes_supported token_endpoint_auth_methods_supported
claims_supported code_challenge_methods_supported grant_types_supported
"""
EMAIL = "https://www.googleapis.com/auth/userinfo.email"


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert set(body) == {"error", "error_description"}
    return answer.status_code, body["error"], body["error_description"]


def test_discovery_has_googles_members_and_every_endpoint_answers(sandbox: Running) -> None:
    issuer = issuer_of(sandbox)
    told = json.loads(sandbox.get("/google/.well-known/openid-configuration").text)
    assert set(told) == set(DISCOVERY.split()) and told["issuer"] == issuer
    for name, url in told.items():
        if name.endswith(("_endpoint", "_uri")):
            assert url.startswith(f"{issuer}/") and sandbox.get(url).status in (200, 400, 401, 405), name


def test_the_keys_are_public_and_stay(sandbox: Running) -> None:
    (key,) = json.loads(sandbox.get("/google/oauth2/v3/certs").text)["keys"]
    assert set(key) == {"kty", "use", "alg", "kid", "n", "e"} and (key["kty"], key["alg"]) == ("RSA", "RS256")
    assert json.loads(sandbox.get("/google/oauth2/v3/certs").text)["keys"] == [key]


@pytest.mark.parametrize(
    ("changes", "status", "error", "words"),
    [
        ({"client_id": None}, 400, "invalid_request", "Missing required parameter: client_id"),
        ({"client_id": "somebody"}, 401, "invalid_client", "The OAuth client was not found."),
        ({"redirect_uri": None}, 400, "invalid_request", "Missing required parameter: redirect_uri"),
        ({"client_id": STRANGER_ID}, 400, "redirect_uri_mismatch", REDIRECT),
        ({"response_type": None}, 400, "invalid_request", "Missing required parameter: response_type"),
        ({"response_type": "token"}, 400, "unsupported_response_type", "token"),
        ({"response_type": "code id_token"}, 400, "unsupported_response_type", "code id_token"),
        ({"scope": None}, 400, "invalid_request", "Missing required parameter: scope"),
        ({"scope": "email profile"}, 400, "invalid_scope", "openid"),
        ({"scope": "openid calendar"}, 400, "invalid_scope", "calendar"),
        ({"prompt": "consent;"}, 400, "invalid_request", "Invalid prompt: consent;"),
        ({"prompt": "none consent"}, 400, "invalid_request", "Invalid prompt"),
        ({"access_type": "offline"}, 400, "invalid_request", "Invalid access_type"),
        ({"response_mode": "form_post"}, 400, "invalid_request", "Invalid response_mode"),
        ({"code_challenge_method": "S512"}, 400, "invalid_request", "Invalid code_challenge_method"),
        ({"code_challenge": None}, 400, "invalid_request", "Missing required parameter: code_challenge"),
        ({"code_challenge": "short"}, 400, "invalid_request", "Invalid code_challenge"),
        ({"code_challenge": CHALLENGE + "A"}, 400, "invalid_request", "Invalid code_challenge"),
    ],
)
def test_a_bad_request_ends_on_googles_own_page(
    sandbox: Running, changes: dict[str, str | None], status: int, error: str, words: str
) -> None:
    url = auth_url(sandbox, **changes)
    answers = [sandbox.get(url), sandbox.post(url.replace("/google/o/oauth2/v2/auth", "/google-accounts/choice"), {})]
    for page in answers:
        assert page.status == status and f"Error {status}: {error}" in page.text and words in page.text
        assert page.headers["Location"] is None


@pytest.mark.parametrize(
    "redirect",
    [
        "https://evil.example/auth/google/callback",
        f"{REDIRECT}/",
        f"{REDIRECT}?next=//evil.example",
        f"{REDIRECT}#x",
        REDIRECT.replace("127.0.0.1", "localhost"),
        REDIRECT.replace("8000", "8001"),
        REDIRECT.replace("http:", "https:"),
        REDIRECT.replace("callback", "Callback"),
        REDIRECT.replace("127.0.0.1", "evil.example@127.0.0.1"),
        "/auth/google/callback",
        "javascript:alert(1)",
    ],
)
def test_only_a_registered_address_is_gone_back_to(sandbox: Running, redirect: str) -> None:
    page = sandbox.get(auth_url(sandbox, redirect_uri=redirect))
    assert page.status == 400 and "Error 400: redirect_uri_mismatch" in page.text
    assert page.headers["Location"] is None and f'href="{redirect}' not in page.text


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "nonce"])
def test_a_parameter_comes_once(sandbox: Running, name: str) -> None:
    page = sandbox.get(f"{auth_url(sandbox)}&{name}=again")
    assert page.status == 400 and f"OAuth 2 parameters can only have a single value: {name}" in page.text


def test_markup_in_a_request_stays_text(sandbox: Running) -> None:
    hint = '"><script>alert(1)</script>@'
    for changes in ({"redirect_uri": hint}, {"login_hint": hint}, {"state": hint}, {"client_id": hint}):
        assert "<script>" not in sandbox.get(auth_url(sandbox, **changes)).text


def test_the_answer_carries_the_state_as_it_came_and_who_speaks(sandbox: Running) -> None:
    state = "a b&code=4/0forged#é\U0001f600"
    answer = answer_of(choose(sandbox, auth_url(sandbox, state=state), "otto@office.example"))
    assert (answer["state"], answer["iss"], answer["hd"]) == (state, issuer_of(sandbox), "office.example")
    assert answer["code"].startswith("4/0") and answer["code"] != "4/0forged" and EMAIL in answer["scope"]
    assert "state" not in answer_of(choose(sandbox, auth_url(sandbox, state=None), "nora@example.com"))
    refused = answer_of(sandbox.get(auth_url(sandbox, prompt="none")))
    assert refused == {"state": "of-this-browser", "iss": issuer_of(sandbox), "error": "interaction_required"}


def test_the_form_may_lead_back_to_the_shop_and_nowhere_else(sandbox: Running) -> None:
    policy = sandbox.get(auth_url(sandbox)).headers["Content-Security-Policy"]
    assert policy.endswith("form-action 'self' http://127.0.0.1:8000")
    assert sandbox.get(auth_url(sandbox, scope=None)).headers["Content-Security-Policy"].endswith("form-action 'self'")


def test_another_sites_form_chooses_nobody(sandbox: Running) -> None:
    url = auth_url(sandbox).replace("/google/o/oauth2/v2/auth", "/google-accounts/choice")
    form = {"name": "Mallory", "email": "mallory@example.com"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        assert sandbox.post(url, form, headers).status == 403
    assert "mallory" not in sandbox.get(auth_url(sandbox)).text


def test_pkce_is_honoured_when_it_is_asked_for(sandbox: Running) -> None:
    """Google demands no PKCE of a web client: a shop that forgets to ask for it is not told."""
    for code, verifier, description in (
        (code_of(sandbox), None, "Missing code verifier."),
        (code_of(sandbox), CHALLENGE, "Invalid code verifier."),
        (code_of(sandbox), VERIFIER[:-1], "Invalid code verifier."),
        (code_of(sandbox, code_challenge_method="plain"), VERIFIER, "Invalid code verifier."),
        (
            code_of(sandbox, code_challenge=None, code_challenge_method=None),
            VERIFIER,
            "code_verifier or verifier is not needed.",
        ),
    ):
        assert refusal(exchange(sandbox, code=code, code_verifier=verifier)) == (400, "invalid_grant", description)
    assert exchange(sandbox, code=code_of(sandbox)).status_code == 200
    for method in ("plain", None):
        plain = code_of(sandbox, code_challenge=VERIFIER, code_challenge_method=method)
        assert exchange(sandbox, code=plain).status_code == 200
    without = code_of(sandbox, code_challenge=None, code_challenge_method=None)
    assert exchange(sandbox, code=without, code_verifier=None).status_code == 200


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"client_secret": "GOCSPX-guessed"}, (401, "invalid_client", "Unauthorized")),
        (
            {"client_secret": "\udcff".encode("utf-8", "surrogatepass").decode("latin-1")},
            (401, "invalid_client", "Unauthorized"),
        ),
        ({"client_secret": None}, (400, "invalid_request", "client_secret is missing.")),
        ({"client_id": None}, (400, "invalid_request", "Could not determine client ID from request.")),
        ({"client_id": "somebody"}, (401, "invalid_client", "The OAuth client was not found.")),
        ({"grant_type": None}, (400, "invalid_request", "Missing required parameter: grant_type")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", "Invalid grant_type: password")),
        ({"redirect_uri": None}, (400, "invalid_request", "Missing required parameter: redirect_uri")),
        ({"redirect_uri": GOOGLE_REDIRECTS[1]}, (400, "redirect_uri_mismatch", "Bad Request")),
        ({"redirect_uri": f"{REDIRECT}/"}, (400, "redirect_uri_mismatch", "Bad Request")),
        (
            {"response_type": "code"},
            (400, "invalid_request", "Parameter not allowed for this message type: response_type"),
        ),
        ({"code": None}, (400, "invalid_request", "Missing required parameter: code")),
        ({"code": "made up"}, (400, "invalid_grant", "Malformed auth code.")),
        ({"code": "4/0" + "A" * 70}, (400, "invalid_grant", "Bad Request")),
        ({"client_id": STRANGER_ID, "client_secret": STRANGER_SECRET}, (400, "invalid_grant", "Bad Request")),
    ],
)
def test_a_refused_exchange_leaves_the_code_good(
    sandbox: Running, changes: dict[str, str | None], expected: tuple[int, str, str]
) -> None:
    code = code_of(sandbox)
    answer = exchange(sandbox, **{"code": code, **changes})
    assert refusal(answer) == expected
    assert ("WWW-Authenticate" in answer.headers) == (answer.status_code == 401)
    assert exchange(sandbox, code=code).status_code == 200


def test_the_client_is_told_by_the_header_or_by_the_form(sandbox: Running) -> None:
    header = (CLIENT_ID, CLIENT_SECRET)
    answer = exchange(sandbox, header, code=code_of(sandbox))
    assert answer.status_code == 200 and "no-store" in answer.headers["Cache-Control"]
    for name, value in (("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)):
        both = exchange(sandbox, header, code=code_of(sandbox), **{name: value})
        single = f"OAuth 2 parameters can only have a single value: {name}"
        assert refusal(both) == (400, "invalid_request", single)
    assert refusal(exchange(sandbox, (CLIENT_ID, "x"), code=code_of(sandbox)))[:2] == (401, "invalid_client")
    assert refusal(exchange(sandbox, ("", ""), code=code_of(sandbox)))[:2] == (400, "invalid_request")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", ""),
        (b"{", "application/json"),
        (b"\xff\xfe=\x00&%zz", "application/x-www-form-urlencoded"),
        (b"grant_type=authorization_code&grant_type=authorization_code", "application/x-www-form-urlencoded"),
        (b"--x\r\n", "multipart/form-data; boundary=x"),
    ],
)
def test_a_malformed_exchange_is_a_400(sandbox: Running, body: bytes, kind: str) -> None:
    page = sandbox.request("POST", "/google/token", body, {"Content-Type": kind} if kind else None)
    assert page.status == 400 and json.loads(page.text)["error"] == "invalid_request"


def test_a_huge_request_is_refused(sandbox: Running) -> None:
    big = urlencode({"code": "x" * 70_000}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    page = sandbox.request("POST", "/google/token", big, headers)
    assert page.status == 413 and json.loads(page.text)["error"] == "invalid_request"
    assert invent(sandbox, auth_url(sandbox), name="x" * 70_000).status == 413


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", ".well-known/openid-configuration", "GET"),
        ("DELETE", "oauth2/v3/certs", "GET"),
        ("POST", "o/oauth2/v2/auth", "GET"),
        ("GET", "token", "POST"),
        ("PUT", "token", "POST"),
        ("GET", "revoke", "POST"),
        ("PATCH", "v1/userinfo", "GET, POST"),
        ("GET", "device/code", "POST"),
    ],
)
def test_wrong_methods_and_paths_speak_as_oauth(sandbox: Running, method: str, path: str, allowed: str) -> None:
    answer = requests.request(method, f"{issuer_of(sandbox)}/{path}", timeout=10)
    assert refusal(answer)[:2] == (405, "invalid_request") and answer.headers["Allow"] == allowed
    assert refusal(requests.request(method, f"{issuer_of(sandbox)}/nothing", timeout=10))[0] == 404


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer ya29.guessed", "Basic eDp5", "ya29.guessed"])
def test_userinfo_asks_for_a_good_token(sandbox: Running, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    answer = requests.get(f"{issuer_of(sandbox)}/v1/userinfo", headers=headers, timeout=10)
    assert refusal(answer)[:2] == (401, "invalid_request")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_userinfo_tells_what_the_scope_says(sandbox: Running) -> None:
    tokens: dict[str, Any] = exchange(sandbox, code=code_of(sandbox, scope="openid email")).json()
    assert tokens["scope"] == f"openid {EMAIL}"
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    for method in ("GET", "POST"):
        told = requests.request(method, f"{issuer_of(sandbox)}/v1/userinfo", headers=headers, timeout=10).json()
        assert set(told) == {"sub", "email", "email_verified"}
    assert exchange(sandbox, code=code_of(sandbox, scope=f"openid {EMAIL}")).json()["scope"] == tokens["scope"]


def test_a_revoked_token_is_good_for_nothing(sandbox: Running) -> None:
    token = exchange(sandbox, code=code_of(sandbox)).json()["access_token"]
    url, headers = f"{issuer_of(sandbox)}/revoke", {"Authorization": f"Bearer {token}"}
    assert requests.post(url, {"token": token}, timeout=10).status_code == 200
    assert requests.get(f"{issuer_of(sandbox)}/v1/userinfo", headers=headers, timeout=10).status_code == 401
    for form, error in (({"token": token}, "invalid_token"), ({}, "invalid_request")):
        assert refusal(requests.post(url, form, timeout=10))[:2] == (400, error)


def test_a_web_client_has_no_flow_for_televisions(sandbox: Running) -> None:
    answer = requests.post(f"{issuer_of(sandbox)}/device/code", {"client_id": CLIENT_ID, "scope": "email"}, timeout=10)
    assert refusal(answer)[:2] == (401, "invalid_client")
