"""A shop of one button that signs in with Google through Authlib's own client, and a person who chooses an account."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from authlib.integrations.flask_client import OAuth
from flask import Flask, Response, jsonify

from mountify.supervisor.house import SANDBOX_GOOGLE

from .support import GOOGLE_REDIRECTS, Page, Running

CLIENT_ID, CLIENT_SECRET = SANDBOX_GOOGLE
REDIRECT = GOOGLE_REDIRECTS[0]
# RFC 7636, appendix B
VERIFIER, CHALLENGE = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def issuer_of(sandbox: Running) -> str:
    return f"http://localhost:{sandbox.port}/google"


class GoogleShop:
    """Authlib in a Flask app as the shop has it; what it raises comes out of `come_back`."""

    def __init__(self, sandbox: Running, *, scope: str = "openid email profile", secret: str = CLIENT_SECRET) -> None:
        self.sandbox = sandbox
        app = Flask("shop")
        app.secret_key, app.testing = "of the tests", True
        google = OAuth(app).register(
            "google",
            client_id=CLIENT_ID,
            client_secret=secret,
            server_metadata_url=f"{issuer_of(sandbox)}/.well-known/openid-configuration",
            client_kwargs={"scope": scope, "code_challenge_method": "S256", "timeout": 10},
        )
        # Without the second, Authlib takes a token for another client as long as its azp is right.
        options = {"iss": {"values": [issuer_of(sandbox)]}, "aud": {"essential": True, "value": CLIENT_ID}}

        @app.get("/signin")
        def signin() -> Any:
            return google.authorize_redirect(REDIRECT)

        @app.get("/auth/google/callback")
        def callback() -> Response:
            return jsonify(google.authorize_access_token(claims_options=options))

        self.browser = app.test_client()

    def begin(self) -> str:
        """Press the button; return where Google is."""
        return str(self.browser.get("/signin").headers["Location"])

    def come_back(self, url: str) -> dict[str, Any]:
        """Follow Google's redirect; return the tokens and who it is."""
        assert url.startswith(REDIRECT)
        return dict(self.browser.get(url.removeprefix("http://127.0.0.1:8000")).get_json())

    def sign_in(self, email: str = "alice@mountify.example") -> dict[str, Any]:
        """Sign in as one of the ready people, from the button to the end."""
        return self.come_back(choose(self.sandbox, self.begin(), email).location)


def auth_url(sandbox: Running, **changes: str | None) -> str:
    """Return where a request of the authorization endpoint goes, right but for the changes."""
    asked: dict[str, str | None] = {
        "client_id": CLIENT_ID,
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "openid email profile",
        "state": "of-this-browser",
        "nonce": "of-this-sign-in",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    wanted = {name: value for name, value in {**asked, **changes}.items() if value is not None}
    return f"{issuer_of(sandbox)}/o/oauth2/v2/auth?{urlencode(wanted)}"


def choose(sandbox: Running, url: str, email: str) -> Page:
    """Open the page of accounts and press the one with this address."""
    page = sandbox.get(url)
    assert page.status == 200, page.text
    return _send(sandbox, page, {"person": accounts(page)[email]})


def invent(sandbox: Running, url: str, **form: str) -> Page:
    """Open the page of accounts and fill in the form for another one."""
    return _send(sandbox, sandbox.get(url), form)


def accounts(page: Page) -> dict[str, str]:
    """Return the accounts a page offers: address and number, in its order."""
    found = re.findall(r'name="person" value="(\d+)">.*?<small>(.*?)</small>', page.text, re.S)
    return {unescape(email): sub for sub, email in found}


def code_of(sandbox: Running, email: str = "alice@mountify.example", **changes: str | None) -> str:
    """Return a code for one of the ready people."""
    return answer_of(choose(sandbox, auth_url(sandbox, **changes), email))["code"]


def exchange(sandbox: Running, auth: tuple[str, str] | None = None, **changes: str | None) -> requests.Response:
    """Ask the token endpoint, rightly but for the changes; with `auth` the client is told by the header alone."""
    form: dict[str, str | None] = {
        "grant_type": "authorization_code",
        "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER,
        **({} if auth else {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}),
        **changes,
    }
    sent = {name: value for name, value in form.items() if value is not None}
    return requests.post(f"{issuer_of(sandbox)}/token", sent, auth=auth, timeout=10)


def answer_of(page: Page) -> dict[str, str]:
    """Return what a redirect back to the shop carries."""
    assert page.status in (302, 303), page.text
    return {name: values[0] for name, values in parse_qs(urlsplit(page.location).query).items()}


def _send(sandbox: Running, page: Page, form: dict[str, str]) -> Page:
    action = unescape(re.search(r'<form id="people-form"[^>]* action="(.*?)"', page.text).group(1))
    return sandbox.post(f"http://localhost:{sandbox.port}{action}", form)
