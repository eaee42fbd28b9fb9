"""What every Stripe endpoint does: the key, the parameters, the idempotency key, the answer."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from flask import Response, g, request

from mountify.sandbox import faults, idempotency
from mountify.sandbox.context import the_sandbox
from mountify.sandbox.ids import new_id
from mountify.sandbox.store import Doc
from mountify.sandbox.stripe_errors import StripeError
from mountify.sandbox.stripe_form import read_params
from mountify.sandbox.stripe_params import Field, Params, Struct
from mountify.sandbox.stripe_webhooks import API_VERSION

P = ParamSpec("P")
Schema = Mapping[str, Field]
_KEY = re.compile(r"sk_test_\w+", re.ASCII)
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?", re.ASCII)
_REALM = {"WWW-Authenticate": 'Bearer realm="Stripe"'}


def authenticate() -> None:
    """Let only sk_test_… keys in, as Bearer token or as Basic user name."""
    g.request_id = new_id("req")[:18]
    g.idempotency_key = idempotency_key()
    key = _presented_key()
    if not key:
        raise StripeError(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, using "
            "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
            "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
            stored=False,
        )
    if not _KEY.fullmatch(key):
        masked = f"{key[:8]}{'*' * max(0, len(key) - 12)}{key[-4:]}" if len(key) > 12 else "*" * len(key)
        raise StripeError(401, f"Invalid API Key provided: {masked}", stored=False)
    if not _VERSION.fullmatch(api_version()) or api_version()[:10] > API_VERSION[:10]:
        raise StripeError(400, f"Invalid Stripe API version: {api_version()[:40]}", stored=False)


def _presented_key() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def endpoint(
    schema: Schema | Field,
) -> Callable[[Callable[Concatenate[Params, P], Doc]], Callable[P, Response]]:
    """Turn a function of checked parameters into a view."""
    struct = Struct(schema) if isinstance(schema, Mapping) else schema

    def decorate(work: Callable[Concatenate[Params, P], Doc]) -> Callable[P, Response]:
        @wraps(work)
        def view(*args: P.args, **kwargs: P.kwargs) -> Response:
            params = read_params()

            def run() -> Doc:
                return work(struct.check(params, ""), *args, **kwargs)

            if request.method == "POST":
                return _once(params, run)
            faults.pause()
            return _answer(200, json.dumps(run()))

        return view

    return decorate


def idempotency_key() -> str | None:
    """Return the caller's idempotency key."""
    return request.headers.get("Idempotency-Key") if request.method == "POST" else None


def api_version() -> str:
    """Return the version the caller speaks; without a header it is the account's, which is the newest."""
    return request.headers.get("Stripe-Version", API_VERSION)


def _once(params: Params, run: Callable[[], Doc]) -> Response:
    sandbox = the_sandbox()
    key = idempotency_key()
    if key is None:
        faults.pause()
        with sandbox.store.transaction():
            body = json.dumps(run())
        return _answer(200, body)
    if not 1 <= len(key) <= 255:
        raise StripeError(400, "Idempotency keys must be between 1 and 255 characters.", stored=False)
    with idempotency.in_progress(sandbox, "stripe", key) as free:
        if not free:
            raise StripeError(
                409,
                "There is currently another in-progress request using this Idempotent Key (that probably means you "
                f"submitted twice, and the other request is still going through): {key}. Please try again later.",
                kind="idempotency_error",
                code="idempotency_key_in_use",
                stored=False,
            )
        faults.pause()
        return _replay_or_run(key, f"{request.path} {idempotency.fingerprint(params)}", run)


def _replay_or_run(key: str, mark: str, run: Callable[[], Doc]) -> Response:
    sandbox = the_sandbox()
    with sandbox.store.transaction():
        stored = idempotency.find(sandbox, "stripe", key)
        if stored is None:
            status, body = _run_storable(run)
            idempotency.keep(sandbox, "stripe", key, idempotency.Answer(mark, status, body, g.request_id))
            return _answer(status, body)
    if stored.request != mark:
        raise _used_otherwise(key, stored.request.split(" ")[0])
    response = _answer(stored.status, stored.body)
    response.headers["Idempotent-Replayed"] = "true"
    response.headers["Original-Request"] = stored.request_id
    return response


def _used_otherwise(key: str, first_path: str) -> StripeError:
    same = "with the same parameters they were first used with"
    if first_path != request.path:
        same = f"for the same endpoint they were first used for ('{request.path}' vs '{first_path}')"
    return StripeError(
        400,
        f"Keys for idempotent requests can only be used {same}. Try using a key other than '{key}' if you meant to "
        "execute a different request.",
        kind="idempotency_error",
        stored=False,
    )


def _run_storable(run: Callable[[], Doc]) -> tuple[int, str]:
    """Run; a refusal that Stripe remembers undoes the work and becomes the stored answer."""
    try:
        with the_sandbox().store.transaction():
            return 200, json.dumps(run())
    except StripeError as error:
        if not error.stored:
            raise
        return error.status, json.dumps(error.body())


def _answer(status: int, body: str) -> Response:
    response = Response(body, status, mimetype="application/json")
    response.headers["Request-Id"] = g.get("request_id") or new_id("req")[:18]
    response.headers["Stripe-Version"] = api_version()
    response.headers["Cache-Control"] = "no-cache, no-store"
    key = idempotency_key()
    if key:
        response.headers["Idempotency-Key"] = key
    return response


def with_stripe_error(error: StripeError) -> Response:
    """Answer in Stripe's shape."""
    response = _answer(error.status, json.dumps(error.body()))
    if error.status == 401:
        response.headers.update(_REALM)
    return response


def unrecognized_url(status: int = 404) -> StripeError:
    """Return the refusal of an address, or of a method, that is not there."""
    return StripeError(
        status,
        f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or we can "
        "help at https://support.stripe.com/.",
    )


def plain(value: Any) -> Any:
    """Return a document without the sandbox's own notes."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if not key.startswith("_")}
    return [plain(item) for item in value] if isinstance(value, list) else value
