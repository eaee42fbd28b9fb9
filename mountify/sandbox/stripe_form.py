"""Read Stripe's bracketed form encoding."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from flask import request

from .stripe_errors import ParamError, StripeError
from .stripe_params import Params

_KEY = re.compile(r"\[([^\[\]]*)\]")
_BRACKETED = re.compile(r"[^\[\]]+(\[[^\[\]]*\])*")
_DEEPEST = 20
_MOST_PARAMS = 10_000


def read_params() -> Params:
    """Return what the request says, query string first."""
    if request.method == "POST" and request.get_data() and request.mimetype != "application/x-www-form-urlencoded":
        raise StripeError(
            400,
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any "
            "questions, we can help at https://support.stripe.com/.",
            stored=False,
        )
    # Not request.form: it groups equal names, and the order of `[][a]`, `[][b]`, `[][a]` tells one item from the next.
    try:
        return _nested([pair for part in (request.query_string, request.get_data()) for pair in _pairs(part)])
    except ValueError:  # UnicodeDecodeError is one
        raise StripeError(
            400, "Invalid request: the parameters cannot be read as UTF-8 form data.", stored=False
        ) from None


def _pairs(sent: bytes) -> list[tuple[str, str]]:
    return parse_qsl(sent.decode(), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PARAMS)


def _nested(pairs: Iterable[tuple[str, str]]) -> Params:
    """Turn `a[b][0][c]=1` pairs into nested dicts; list positions stay keys until the schema asks for a list."""
    result: Params = {}
    for name, value in pairs:
        head, bracket, rest = name.partition("[")
        tokens = [head, *_KEY.findall(bracket + rest)] if _BRACKETED.fullmatch(name) else [name]
        if len(tokens) > _DEEPEST:
            raise ParamError("Invalid request: this parameter is nested too deeply.", name[:200])
        target = result
        for depth, token in enumerate(tokens[:-1]):
            key = token or _list_position(target, tokens[depth + 1 :])
            child = target.setdefault(key, {})
            if not isinstance(child, dict):
                raise ParamError(f"Invalid object: {name}", name)
            target = child
        last = tokens[-1] or (str(len(target)) if tokens[1:] else "")
        target[last] = value
    return result


def _list_position(items: Params, rest: list[str]) -> str:
    """Return where `[][key]` goes: the last element, or a new one when that has the key already."""
    last = str(len(items) - 1)
    found: Any = items.get(last)
    if found is None:
        return str(len(items))
    for token in rest:
        found = found.get(token) if isinstance(found, dict) else None
    return last if found is None else str(len(items))
