"""Codes and the access tokens they are exchanged for: both kept before they are told."""

import secrets

from mountify.sandbox.context import Sandbox, the_sandbox
from mountify.sandbox.store import Doc

from . import tokens
from .people import find_person
from .rules import Exchange, SignIn, check_code, spent

CODE_LIFETIME_S = 600  # RFC 6749, section 4.1.2: at most ten minutes; Google names no number
TOKEN_LIFETIME_S = 3599
_CODE, _TOKEN = "google_code", "google_token"


def issuer(sandbox: Sandbox) -> str:
    """Return what stands for https://accounts.google.com."""
    return f"{sandbox.public_url}/google"


def issue(sign_in: SignIn, person: Doc) -> str:
    """Return a new code for this person's sign-in."""
    sandbox = the_sandbox()
    code: Doc = {
        "id": f"4/0{secrets.token_urlsafe(55)}",
        "sub": person["id"],
        "client_id": sign_in.client_id,
        "redirect_uri": sign_in.redirect_uri,
        "scope": sign_in.scope,
        "nonce": sign_in.nonce,
        "code_challenge": sign_in.code_challenge,
        "code_challenge_method": sign_in.code_challenge_method,
        "created_at": sandbox.clock.iso(),
        "expires_at": sandbox.clock.now() + CODE_LIFETIME_S,
        "is_used": False,
    }
    sandbox.store.save(code, _CODE)
    return str(code["id"])


def redeem(exchange: Exchange) -> Doc:
    """Exchange a code for tokens, once. Raises GoogleError.

    A second try also ends the access token of the first, for one of the two was not the client
    (RFC 6749, section 4.1.2).
    """
    sandbox = the_sandbox()
    with sandbox.store.transaction():
        found = sandbox.store.find(_CODE, exchange.code)
        is_used = found is not None and found["is_used"]
        if is_used:
            sandbox.store.change(
                "DELETE FROM objects WHERE kind = ? AND json_extract(doc, '$.code') = ?", (_TOKEN, exchange.code)
            )
        else:
            code = check_code(found, exchange, sandbox.clock.now())
            sandbox.store.save({**code, "is_used": True}, _CODE)
            answer = _answer(sandbox, code)
    if is_used:
        raise spent()
    return answer


def find_token(token_id: str) -> Doc | None:
    """Return an access token that is still good, or None."""
    sandbox = the_sandbox()
    token = sandbox.store.find(_TOKEN, token_id)
    return token if token and sandbox.clock.now() < token["expires_at"] else None


def revoke(token_id: str) -> bool:
    """End an access token; whether there was one."""
    return the_sandbox().store.change("DELETE FROM objects WHERE id = ? AND kind = ?", (token_id, _TOKEN)) > 0


def list_sign_ins(limit: int) -> list[Doc]:
    """Return the newest codes, each with its person."""
    return [{**code, "person": find_person(code["sub"])} for code in the_sandbox().store.select(_CODE, limit=limit)]


def _answer(sandbox: Sandbox, code: Doc) -> Doc:
    person = find_person(code["sub"])
    if person is None:
        raise spent()
    token: Doc = {
        "id": f"ya29.{secrets.token_urlsafe(120)}",
        "code": code["id"],
        "sub": code["sub"],
        "scope": code["scope"],
        "expires_at": sandbox.clock.now() + TOKEN_LIFETIME_S,
    }
    sandbox.store.save(token, _TOKEN)
    id_token = tokens.id_token(sandbox, issuer(sandbox), person, code, token["id"])
    answer = {"access_token": token["id"], "expires_in": TOKEN_LIFETIME_S, "scope": code["scope"]}
    return answer | {"token_type": "Bearer"} | ({"id_token": id_token} if id_token else {})
