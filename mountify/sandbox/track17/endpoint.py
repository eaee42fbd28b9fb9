"""What every endpoint of 17TRACK does: the key, the limit, the body, the envelope.

https://asset.17track.net/api/document/v2.2_en/index.html. Nothing is said there of a body that is no JSON, of other
methods than POST and of bodies that are too large: these are answered with HTTP's usual statuses in the same envelope.
"""

import hmac
import json
from collections.abc import Callable, Mapping

from flask import Response, request

from mountify.sandbox import faults
from mountify.sandbox import track17_errors as errors
from mountify.sandbox.context import Sandbox, the_sandbox
from mountify.sandbox.store import Doc
from mountify.sandbox.track17_errors import Rejected, Track17Error

from .numbers import registered

MOST_NUMBERS = 40
LARGEST_BODY = 1024 * 1024
_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(("number", "tag", "param", "lang", "email", "order_no", "order_time", "remark"), str),
    **dict.fromkeys(("carrier", "carrier_old", "carrier_new"), int),
    **dict.fromkeys(("final_carrier", "final_carrier_old", "final_carrier_new"), int),
    "auto_detection": bool,
    "items": dict,
}
View = Callable[[], Response]
Work = Callable[[Sandbox, Doc], Doc]
Targets = Callable[[Sandbox, Doc], list[Doc]]


def authenticate() -> None:
    """Let in the one account of this sandbox, three times a second."""
    request.max_content_length = LARGEST_BODY
    sandbox = the_sandbox()
    key = request.headers.get("17token", "")
    if not hmac.compare_digest(key.encode("utf-8", "replace"), sandbox.track17_key.encode()):
        raise Track17Error(401, errors.INVALID_KEY)
    if not sandbox.track17_calls.admit(key, sandbox.clock.monotonic()):
        raise Track17Error(429)


def for_numbers(work: Work, tells: tuple[str, ...] = ("number",), *, targets: Targets | None = None) -> View:
    """Make a view that does its work for each number; what is refused stands beside what is not."""

    def view() -> Response:
        items = _items()
        faults.pause()
        sandbox = the_sandbox()
        accepted: list[Doc] = []
        rejected: list[Doc] = []
        with sandbox.store.transaction():
            for item in items:
                told = {name: item.get(name) for name in tells}
                try:
                    found = targets(sandbox, item) if targets else [item]
                except Rejected as error:
                    rejected.append({**told, "error": error.body()})
                    continue
                for target in found:
                    try:
                        accepted.append(work(sandbox, target))
                    except Rejected as error:
                        rejected.append({**told, "error": error.body()})
        return answer({"code": 0, "data": {"accepted": accepted, "rejected": rejected}})

    return view


def for_parcels(work: Work) -> View:
    """Make a view that does its work for every registered parcel that is meant."""
    return for_numbers(work, targets=registered)


def for_account(work: Work, fields: Mapping[str, type]) -> View:
    """Make a view that answers about the account; an empty list or nothing counts as no wishes."""

    def view() -> Response:
        order = _json() if request.get_data() else {}
        faults.pause()
        return answer(work(the_sandbox(), _checked({} if order == [] else order, fields)))

    return view


def answer(body: Doc, status: int = 200) -> Response:
    """Answer as 17TRACK does."""
    return Response(json.dumps(body), status, mimetype="application/json")


def with_error(error: Track17Error) -> Response:
    """Refuse the whole request."""
    return answer(error.body(), error.status)


def _items() -> list[Doc]:
    body = _json()
    if not isinstance(body, list):
        raise Track17Error(400, errors.BAD_BODY)
    if len(body) > MOST_NUMBERS:
        raise Track17Error(200, errors.TOO_MANY)
    if not body:
        raise Track17Error(200, errors.BAD_BODY)
    return [_checked(item, _FIELDS) for item in body]


def _json() -> object:
    try:
        return json.loads(request.get_data()) if request.is_json else None
    except (ValueError, RecursionError):
        raise Track17Error(400, errors.BAD_BODY) from None


def _checked(item: object, fields: Mapping[str, type]) -> Doc:
    """Return the fields that 17TRACK knows; a value of another type spoils the whole request, other names do not."""
    if not isinstance(item, dict):
        raise Track17Error(400, errors.BAD_BODY)
    known = {name: value for name, value in item.items() if name in fields and value is not None}
    if not all(_is_proper(value, fields[name]) for name, value in known.items()):
        raise Track17Error(400, errors.BAD_BODY)
    if "items" in known:
        known["items"] = _checked(known["items"], fields)
    return known


def _is_proper(value: object, kind: type) -> bool:
    """Say whether a value is of its type: numbers have 32 bits, text has no halves of characters."""
    if isinstance(value, int) and abs(value) >= 2**31:
        return False
    if isinstance(value, str) and not value.isascii():
        return type(value) is kind and value.encode("utf-8", "replace").decode() == value
    return type(value) is kind
