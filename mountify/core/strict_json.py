"""JSON that every reader reads alike and PostgreSQL can keep.

Python's own reader lets more through: NaN, NUL and half characters, which PostgreSQL refuses
(https://www.postgresql.org/docs/current/datatype-json.html), and one name twice, of which readers take either.
"""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

DEEPEST = 64


def loads(text: str, *, exact: bool = False) -> Any:
    """Read one value; `exact` gives a Decimal for what is no whole number. Raises ValueError."""
    read = _decimal if exact else None
    try:
        value = json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse, parse_float=read)
    except RecursionError:
        raise ValueError("too deep") from None
    _check(value, DEEPEST)
    return value


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError("a number beyond all bounds") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("one name twice")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _check(value: Any, levels: int) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("NUL in a text")
        value.encode()  # half a character, an unpaired surrogate, is a UnicodeEncodeError, which is a ValueError
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number beyond all bounds")
    elif isinstance(value, dict | list):
        if levels == 0:
            raise ValueError("too deep")
        for part in value if isinstance(value, list) else (*value, *value.values()):
            _check(part, levels - 1)
