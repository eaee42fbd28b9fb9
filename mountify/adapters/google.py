"""Google as an OpenID provider: where a browser goes to sign in, and who came back.

https://developers.google.com/identity/openid-connect/openid-connect
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from mountify.core.errors.google import GoogleAnswerWrong, GoogleCancelled, GoogleCodeSpent, GoogleUnavailable
from mountify.core.google_account import GoogleAccount
from mountify.core.outside import Answer
from mountify.core.texts import has_control_characters, without_control_characters

SCOPE = "openid email profile"
ALGORITHM = "RS256"  # https://developers.google.com/identity/openid-connect/reference signs with no other
TIMEOUT_S = (3, 10)  # to connect, to be told something
KEPT_S = 3600  # Google lets discovery be kept as long
LEEWAY_S = 60
MOST_NAME, MOST_EMAIL, MOST_SUBJECT = 120, 254, 255
_KNOWN_REFUSALS = {"access_denied": GoogleCancelled, "server_error": GoogleUnavailable} | {
    "temporarily_unavailable": GoogleUnavailable
}


@dataclass(frozen=True)
class Provider:
    """What discovery and keys say, until when."""

    facts: dict[str, Any]
    keys: Any  # joserfc's KeySet
    read_at: float


class GoogleIdentities:
    def __init__(
        self,
        client_id: str,
        secret: str,
        issuer: str,
        *,
        before_call: Callable[[], None] = lambda: None,
        timeout_s: tuple[float, float] = TIMEOUT_S,
        kept_s: float = KEPT_S,
    ) -> None:
        self._client_id, self._secret, self._issuer = client_id, secret, issuer
        self._before_call, self._timeout_s, self._kept_s = before_call, timeout_s, kept_s
        self._provider: Provider | None = None

    def authorization_url(
        self, *, state: str, nonce: str, verifier: str, redirect_uri: str, subject: str | None = None
    ) -> str:
        """Say where a browser signs in; only the challenge of the verifier goes along. Raises GoogleUnavailable.

        `subject` is who is expected there. Google always asks with which account to go on, and takes no prompt=login.
        """
        provider = self._discover()
        with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                provider.facts["authorization_endpoint"],
                state=state,
                nonce=nonce,
                code_verifier=verifier,
                prompt="select_account",
                **({"login_hint": subject} if subject else {}),
            )
        return str(url)

    def identify(
        self, answer: Mapping[str, str], *, nonce: str, verifier: str, redirect_uri: str, now: datetime
    ) -> GoogleAccount:
        """Say who came back, by what Google's redirect carries; its state is the caller's to check.

        Raises GoogleCancelled, GoogleCodeSpent, GoogleAnswerWrong or GoogleUnavailable (try again).
        """
        if error := answer.get("error"):
            refusal = _KNOWN_REFUSALS.get(error)
            raise refusal() if refusal else GoogleAnswerWrong("refused")
        provider = self._discover()
        self._check_speaker(provider, answer.get("iss"))
        token = self._exchange(provider, answer.get("code", ""), verifier, redirect_uri)
        claims = self._verified(token, nonce, now)
        return account_of(self._issuer, claims)

    def ping(self) -> Answer:
        """Read discovery and keys anew. Whether Google takes our client, it says to nobody but who signs in."""
        from requests.exceptions import ConnectionError as Unreachable
        from requests.exceptions import Timeout

        try:
            self._discover(anew=True)
        except GoogleUnavailable as error:
            return Answer.NONE if isinstance(error.__cause__, Unreachable | Timeout) else Answer.FAILED
        return Answer.WELL

    def _check_speaker(self, provider: Provider, told: str | None) -> None:
        """RFC 9207: an answer says whose it is, when its issuer has promised so."""
        is_promised = provider.facts.get("authorization_response_iss_parameter_supported") is True
        if told is None and not is_promised:
            return
        if told != self._issuer:
            raise GoogleAnswerWrong("response issuer")

    def _exchange(self, provider: Provider, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        """Trade a code for tokens, once."""
        from authlib.integrations.base_client import OAuthError
        from requests.exceptions import RequestException

        if not code:
            raise GoogleAnswerWrong("no code")
        self._before_call()
        try:
            with self._client(redirect_uri) as client:
                return dict(
                    client.fetch_token(
                        provider.facts["token_endpoint"],
                        grant_type="authorization_code",
                        code=code,
                        code_verifier=verifier,
                        redirect_uri=redirect_uri,
                        allow_redirects=False,
                    )
                )
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise GoogleCodeSpent from error
            raise GoogleUnavailable from error  # our client's id, secret or address is wrong there: not the reader's
        except (RequestException, ValueError, TypeError) as error:
            raise GoogleUnavailable from error

    def _verified(self, token: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        """Read an ID token that Google has signed for us, for this sign-in, just now."""
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import ClaimError, JoseError

        raw, access_token = token.get("id_token"), token.get("access_token")
        if not isinstance(raw, str) or not isinstance(access_token, str):
            raise GoogleAnswerWrong("missing token")
        try:
            decoded = self._decoded(raw)
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    # Google may leave out the scheme: https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
                    "iss": {"essential": True, "values": [self._issuer, self._issuer.removeprefix("https://")]},
                    "aud": {"essential": True, "value": self._client_id},
                    "nonce": {"essential": True},
                    "at_hash": {"essential": True},
                },
                {"nonce": nonce, "client_id": self._client_id, "access_token": access_token},
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
        except ClaimError as error:
            raise GoogleAnswerWrong(f"{error.error} {error.claim}") from error
        except (JoseError, ValueError, TypeError) as error:
            raise GoogleAnswerWrong(getattr(error, "error", "unreadable token")) from error
        if claims["aud"] not in (self._client_id, [self._client_id]):
            raise GoogleAnswerWrong("audience")  # one of several is somebody else's as well
        return dict(claims)

    def _decoded(self, raw: str) -> Any:
        """Check a signature; with keys read anew when it is by one that was not known."""
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jws import JWSRegistry

        registry = JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
        try:
            return jwt.decode(raw, self._discover().keys, registry=registry)
        except InvalidKeyIdError:
            return jwt.decode(raw, self._discover(anew=True).keys, registry=registry)

    def _discover(self, *, anew: bool = False) -> Provider:
        """Read what Google says of itself and its keys, at most once an hour. Raises GoogleUnavailable.

        Two threads may both read it: the later answer is kept, and as good.
        """
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet
        from requests.exceptions import RequestException

        kept = self._provider
        if kept is not None and not anew and time.monotonic() - kept.read_at < self._kept_s:
            return kept
        self._before_call()
        try:
            facts = self._read(f"{self._issuer}/.well-known/openid-configuration")
            self._check_facts(facts)
            keys = KeySet.import_key_set(self._read(facts["jwks_uri"]))  # type: ignore[arg-type]
        except (RequestException, JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise GoogleUnavailable from error
        self._provider = Provider(facts, keys, time.monotonic())
        return self._provider

    def _check_facts(self, facts: Mapping[str, Any]) -> None:
        """A browser is led to the one host that is configured, and secrets go where it says over a safe line."""
        if facts["issuer"] != self._issuer or _origin(facts["authorization_endpoint"]) != _origin(self._issuer):
            raise ValueError("discovery speaks of somebody else")
        scheme = urlsplit(self._issuer).scheme
        if any(urlsplit(facts[name]).scheme != scheme for name in ("token_endpoint", "jwks_uri")):
            raise ValueError("an endpoint is not safe")

    def _read(self, url: str) -> dict[str, Any]:
        with self._client() as client:
            response = client.get(url, withhold_token=True, allow_redirects=False)
            response.raise_for_status()
            document = response.json()
        if not isinstance(document, dict):
            raise ValueError("not a JSON object")
        return document

    def _client(self, redirect_uri: str | None = None) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        return OAuth2Session(
            self._client_id,
            self._secret,
            scope=SCOPE,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 (the name of a method)
            default_timeout=self._timeout_s,
        )


def account_of(issuer: str, claims: Mapping[str, Any]) -> GoogleAccount:
    """Take what we use of the claims, each only in the shape it must have."""
    subject, email, name = claims["sub"], claims.get("email"), claims.get("name")
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT or has_control_characters(subject):
        raise GoogleAnswerWrong("subject")
    return GoogleAccount(
        issuer=issuer,
        subject=subject,
        email=email if isinstance(email, str) and _is_address(email) else "",
        is_verified=claims.get("email_verified") is True,
        name=" ".join(without_control_characters(name).split())[:MOST_NAME] if isinstance(name, str) else "",
    )


def _is_address(text: str) -> bool:
    local, _, host = text.rpartition("@")
    return bool(local and host) and len(text) <= MOST_EMAIL and not has_control_characters(text) and " " not in text


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
