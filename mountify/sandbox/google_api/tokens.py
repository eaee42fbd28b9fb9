"""Keys and ID tokens, right or, when somebody asked for it, wrong in one way.

https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
"""

# The libraries are imported where they are used: a sandbox that signs nobody in starts without their 12 MB.
from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

from mountify.sandbox.context import Sandbox
from mountify.sandbox.store import Doc

from .people import claims_of
from .rules import CLIENT_ID, STRANGER_ID

if TYPE_CHECKING:
    from joserfc.jwk import RSAKey

LIFETIME_S = 3600
_ALGORITHM = "RS256"
_KEY, _NEXT = "google_key", "google_next_token"
# What each way of being wrong changes; None leaves the claim out.
_CHANGES: dict[str, Doc] = {
    "wrong_nonce": {"nonce": "of-another-sign-in"},
    "no_nonce": {"nonce": None},
    "wrong_audience": {"aud": STRANGER_ID},  # azp is still right, as in tokens for another client of the same project
    "shared_audience": {"aud": [CLIENT_ID, STRANGER_ID]},
    "wrong_party": {"azp": STRANGER_ID},
    "wrong_issuer": {"iss": "https://accounts.example"},
    "expired": {"iat": -2 * LIFETIME_S, "exp": -LIFETIME_S},  # from now
    "no_hash": {"at_hash": None},
    "wrong_hash": {"at_hash": "bm90LXRoaXMtdG9rZW4hIQ"},
    "unverified": {"email_verified": False},
    "verified_as_text": {"email_verified": "true"},
    "no_email": {"email": None, "email_verified": None},
}
WAYS = (*_CHANGES, "wrong_signature", "unsigned", "missing")


def ask_for(sandbox: Sandbox, way: str) -> None:
    """Let the next ID token be wrong in this way."""
    sandbox.store.set_setting(_NEXT, way)


def asked_for(sandbox: Sandbox) -> str:
    """Return in which way the next ID token will be wrong, or nothing."""
    return sandbox.store.setting(_NEXT, "")


def public_keys(sandbox: Sandbox) -> Doc:
    """Return the key set that verifies the tokens."""
    return {"keys": [_key(sandbox).as_dict(private=False, use="sig", alg=_ALGORITHM)]}


def id_token(sandbox: Sandbox, issuer: str, person: Doc, code: Doc, access_token: str) -> str | None:
    """Return the token of a sign-in; None when it was asked to be missing. Takes what was asked for."""
    way = asked_for(sandbox)
    ask_for(sandbox, "")
    claims = _claims(sandbox, issuer, person, code, access_token)
    # A token is read against its reader's clock, so it is dated in real time even when the sandbox's clock is ahead.
    claims |= {"iat": int(time.time()), "exp": int(time.time()) + LIFETIME_S}
    for name, value in _CHANGES.get(way, {}).items():
        claims[name] = int(time.time()) + value if name in ("iat", "exp") else value
    return _signed(sandbox, {name: value for name, value in claims.items() if value is not None}, way)


def _claims(sandbox: Sandbox, issuer: str, person: Doc, code: Doc, access_token: str) -> Doc:
    from authlib.oidc.core.util import create_half_hash

    told = claims_of(person, code["scope"], sandbox.public_url)
    at_hash = create_half_hash(access_token, _ALGORITHM).decode()
    claims = {"iss": issuer, "azp": code["client_id"], "aud": code["client_id"], **told, "at_hash": at_hash}
    return claims | {"nonce": code["nonce"] or None}


def _signed(sandbox: Sandbox, claims: dict[str, Any], way: str) -> str | None:
    from joserfc import jwt
    from joserfc.jwk import RSAKey

    key = _key(sandbox)
    header = {"alg": _ALGORITHM, "kid": str(key.kid)}
    if way == "missing":
        return None
    if way == "unsigned":
        parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
        return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
    return jwt.encode(header, claims, RSAKey.generate_key(2048) if way == "wrong_signature" else key, [_ALGORITHM])


def _key(sandbox: Sandbox) -> RSAKey:
    """Return the key of this sandbox, drawn once and kept, so that a token outlives a restart."""
    from joserfc.jwk import RSAKey

    with sandbox.store.transaction():
        kept = sandbox.store.setting(_KEY, "")
        if kept:
            return RSAKey.import_key(json.loads(kept))
        key = RSAKey.generate_key(2048, auto_kid=True)
        sandbox.store.set_setting(_KEY, json.dumps(key.as_dict(private=True)))
        return key
