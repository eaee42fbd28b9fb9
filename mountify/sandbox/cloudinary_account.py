"""Cloudinary's one account here: its keys, its signatures, its way to refuse.

https://cloudinary.com/documentation/authentication_signatures
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from flask import Response, jsonify, make_response, request

from .context import the_sandbox

CLOUD, API_KEY, API_SECRET = "mountify", "100000000000017", "sandbox-secret"
OLDEST_S = 3600
_UNSIGNED = frozenset({"file", "api_key", "signature", "resource_type", "cloud_name"})
_SHA256_LENGTH = 64


class CloudinaryError(Exception):
    """A refusal in Cloudinary's words."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


def signed_form(cloud: str) -> dict[str, str]:
    """The form of a request that the account has signed within the last hour. Raises CloudinaryError."""
    form = {name.removesuffix("[]"): ",".join(values) for name, values in request.form.lists()}
    if not form.get("api_key"):
        raise CloudinaryError(401, "Must supply api_key")
    if form["api_key"] != API_KEY:
        raise CloudinaryError(401, f"Invalid api_key {form['api_key'][:40]}")
    if cloud != CLOUD:
        raise CloudinaryError(401, "cloud_name mismatch")
    _check_signature(form)
    _check_age(form.get("timestamp", ""))
    return form


def check_password(cloud: str) -> None:
    """The admin API wants key and secret as user and password. Raises CloudinaryError."""
    given = request.authorization
    if given is None or given.type != "basic":
        raise CloudinaryError(401, "Authorization required")
    secret = (given.password or "").encode("utf-8", "replace")
    if given.username != API_KEY or not hmac.compare_digest(API_SECRET.encode(), secret):
        raise CloudinaryError(401, "Invalid credentials")
    if cloud != CLOUD:
        raise CloudinaryError(401, "cloud_name mismatch")


def _check_signature(form: Mapping[str, str]) -> None:
    signature = form.get("signature", "")
    if not signature:
        raise CloudinaryError(400, "Missing required parameter - signature")
    to_sign = _string_to_sign({name: value for name, value in form.items() if name not in _UNSIGNED})
    # An account signs with SHA-1 unless it asked for SHA-256; the sandbox takes either.
    wanted = _digest(to_sign, "sha256" if len(signature) == _SHA256_LENGTH else "sha1")
    if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
        raise CloudinaryError(401, f"Invalid Signature {signature[:64]}. String to sign - '{to_sign[:500]}'.")


def _check_age(stamp: str) -> None:
    if not stamp.isascii() or not stamp.isdigit() or len(stamp) > 11:
        raise CloudinaryError(400, "Missing required parameter - timestamp")
    if abs(the_sandbox().clock.now() - int(stamp)) > OLDEST_S:
        told = datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d %H:%M:%S +0000")
        raise CloudinaryError(400, f"Stale request - reported time is {told} which is more than 1 hour ago")


def sign(params: Mapping[str, str]) -> str:
    """Sign an answer as `verify_api_response_signature` of the SDK expects it."""
    return _digest(_string_to_sign(params), "sha1")


def _string_to_sign(params: Mapping[str, str]) -> str:
    pairs = (f"{name}={value}".replace("&", "%26") for name, value in params.items() if value)
    return "&".join(sorted(pairs))


def _digest(to_sign: str, algorithm: str) -> str:
    return hashlib.new(algorithm, (to_sign + API_SECRET).encode(), usedforsecurity=False).hexdigest()


def with_cloudinary_error(error: CloudinaryError) -> Response:
    """Answer in Cloudinary's shape."""
    response = make_response(jsonify(error={"message": error.message}), error.status)
    response.headers["X-Cld-Error"] = " ".join(error.message.encode("ascii", "replace").decode().split())
    return response
