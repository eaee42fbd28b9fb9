"""What Google asks of a sign-in and of its client, and how it refuses.

https://developers.google.com/identity/openid-connect/reference (parameters),
https://developers.google.com/identity/protocols/oauth2/web-server#authorization-errors (refusals); what those pages
leave out is worded as Google's answers are quoted in the issues of the libraries that speak to it.
"""

import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from werkzeug.datastructures import Authorization, MultiDict

from mountify.sandbox.store import Doc

CLIENT_ID, CLIENT_SECRET = "mountify.apps.googleusercontent.com", "GOCSPX-sandbox-secret"
# Somebody else's client, with nowhere to send a browser: what is issued to one is worth nothing to the other.
STRANGER_ID, STRANGER_SECRET = "stranger.apps.googleusercontent.com", "GOCSPX-stranger-secret"
_CLIENTS = {CLIENT_ID: CLIENT_SECRET, STRANGER_ID: STRANGER_SECRET}

EMAIL = "https://www.googleapis.com/auth/userinfo.email"
PROFILE = "https://www.googleapis.com/auth/userinfo.profile"
_SCOPES = {"openid": "openid", "email": EMAIL, "profile": PROFILE, EMAIL: EMAIL, PROFILE: PROFILE}
_EXCHANGE = frozenset({"grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier"})
_CODE = re.compile(r"4/0[\w-]{40,}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, section 4.1; a challenge looks the same


class GoogleError(Exception):
    """A refusal in Google's words: OAuth's JSON from an endpoint, a page of its own before a sign-in."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description

    def body(self) -> dict[str, str]:
        """Return the JSON Google sends."""
        return {"error": self.error, "error_description": self.description}


@dataclass(frozen=True)
class SignIn:
    """A request of the authorization endpoint that may be shown to a person."""

    client_id: str
    redirect_uri: str
    scope: str
    state: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    prompt: str
    login_hint: str
    hd: str


@dataclass(frozen=True)
class Exchange:
    """A request of the token endpoint: a code, and what proves that it is the client's."""

    client_id: str
    code: str
    redirect_uri: str
    code_verifier: str


def check_sign_in(args: MultiDict[str, str], redirects: Collection[str]) -> SignIn:
    """Read a request of the authorization endpoint. Raises GoogleError, which never leads away from Google.

    PKCE is honoured and not demanded, as Google does with web clients; which is why the shop has to ask for it.
    """
    _refuse_doubles(args)
    client_id = _required(args, "client_id")
    if client_id not in _CLIENTS:
        raise _unknown_client()
    redirect_uri = _required(args, "redirect_uri")
    if client_id != CLIENT_ID or redirect_uri not in redirects:
        raise GoogleError(
            400,
            "redirect_uri_mismatch",
            f"The redirect URI in the request, {redirect_uri[:200]}, does not match the ones authorized for the "
            "OAuth client.",
        )
    if _required(args, "response_type") != "code":
        raise GoogleError(400, "unsupported_response_type", f"Invalid response_type: {args['response_type'][:40]}")
    _one_of(args, "access_type", {"online"})  # no refresh tokens are played
    _one_of(args, "response_mode", {"query"})
    for word in args.get("prompt", "").split():
        if word not in ("none", "consent", "select_account") or (word == "none" and args["prompt"].strip() != "none"):
            raise _bad_value(args, "prompt")
    challenge, method = _challenge(args)
    return SignIn(
        client_id,
        redirect_uri,
        _scope(_required(args, "scope")),
        args.get("state", ""),
        args.get("nonce", ""),
        challenge,
        method,
        args.get("prompt", "").strip(),
        args.get("login_hint", ""),
        args.get("hd", ""),
    )


def check_exchange(form: MultiDict[str, str], basic: Authorization | None) -> Exchange:
    """Read a request of the token endpoint and make sure of its client. Raises GoogleError."""
    _refuse_doubles(form)
    if unknown := sorted(set(form) - _EXCHANGE):
        raise invalid(f"Parameter not allowed for this message type: {unknown[0][:40]}")
    client_id = check_client(form, basic)
    if _required(form, "grant_type") != "authorization_code":
        raise GoogleError(400, "unsupported_grant_type", f"Invalid grant_type: {form['grant_type'][:40]}")
    code = _required(form, "code")
    if not _CODE.fullmatch(code):
        raise GoogleError(400, "invalid_grant", "Malformed auth code.")
    return Exchange(client_id, code, _required(form, "redirect_uri"), form.get("code_verifier", ""))


def check_client(form: Mapping[str, str], basic: Authorization | None) -> str:
    """Return who sent this: by client_secret_post or client_secret_basic, never by both. Raises GoogleError."""
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if basic is not None and basic.type == "basic":
        for name in ("client_id", "client_secret"):
            if name in form:
                raise _double(name)
        client_id, secret = basic.username or "", basic.password or ""
    if not client_id:
        raise invalid("Could not determine client ID from request.")
    if client_id not in _CLIENTS:
        raise _unknown_client()
    if not secret:
        raise invalid("client_secret is missing.")
    if not hmac.compare_digest(secret.encode("utf-8", "replace"), _CLIENTS[client_id].encode()):
        raise GoogleError(401, "invalid_client", "Unauthorized")
    return client_id


def check_code(code: Doc | None, exchange: Exchange, now: int) -> Doc:
    """Return the code that was issued to this client, for this address and this verifier. Raises GoogleError."""
    if code is None or code["client_id"] != exchange.client_id or now >= code["expires_at"]:
        raise spent()
    if code["redirect_uri"] != exchange.redirect_uri:
        raise GoogleError(400, "redirect_uri_mismatch", "Bad Request")
    challenge, verifier = code["code_challenge"], exchange.code_verifier
    if verifier and not challenge:
        raise GoogleError(400, "invalid_grant", "code_verifier or verifier is not needed.")
    if challenge and not verifier:
        raise GoogleError(400, "invalid_grant", "Missing code verifier.")
    if challenge and not _fits(verifier, challenge, code["code_challenge_method"]):
        raise GoogleError(400, "invalid_grant", "Invalid code verifier.")
    return code


def invalid(description: str) -> GoogleError:
    """Return the refusal of a request that is not well formed."""
    return GoogleError(400, "invalid_request", description)


def spent() -> GoogleError:
    """Return the refusal of a code that is expired, used, or nobody's: Google does not tell which."""
    return GoogleError(400, "invalid_grant", "Bad Request")


def _fits(verifier: str, challenge: str, method: str) -> bool:
    from authlib.oauth2.rfc7636 import create_s256_code_challenge

    if not _VERIFIER.fullmatch(verifier):
        return False
    made = create_s256_code_challenge(verifier) if method == "S256" else verifier
    return hmac.compare_digest(made.encode(), challenge.encode())


def _challenge(args: MultiDict[str, str]) -> tuple[str, str]:
    challenge, method = args.get("code_challenge", ""), args.get("code_challenge_method", "")
    if not challenge and not method:
        return "", ""
    _one_of(args, "code_challenge_method", {"plain", "S256"})
    if not _VERIFIER.fullmatch(_required(args, "code_challenge")) or (method == "S256" and len(challenge) != 43):
        raise _bad_value(args, "code_challenge")
    return challenge, method or "plain"


def _scope(asked: str) -> str:
    words = asked.split()
    if unknown := [word for word in words if word not in _SCOPES]:
        raise GoogleError(400, "invalid_scope", f"Some requested scopes were invalid. {{invalid={unknown}}}"[:300])
    if "openid" not in words:
        raise GoogleError(400, "invalid_scope", "The scope of an OpenID Connect request must contain openid.")
    return " ".join(dict.fromkeys(_SCOPES[word] for word in words))


def _required(values: Mapping[str, str], name: str) -> str:
    value = values.get(name, "")
    if not value:
        raise invalid(f"Missing required parameter: {name}")
    return value


def _one_of(values: Mapping[str, str], name: str, allowed: Collection[str]) -> None:
    if values.get(name) and values[name] not in allowed:
        raise _bad_value(values, name)


def _bad_value(values: Mapping[str, str], name: str) -> GoogleError:
    return invalid(f"Invalid parameter value for {name}: Invalid {name}: {values[name][:40]}")


def _refuse_doubles(values: MultiDict[str, str]) -> None:
    for name, given in values.lists():
        if len(given) > 1:
            raise _double(name)


def _double(name: str) -> GoogleError:
    return invalid(f"OAuth 2 parameters can only have a single value: {name[:40]}")


def _unknown_client() -> GoogleError:
    return GoogleError(401, "invalid_client", "The OAuth client was not found.")
