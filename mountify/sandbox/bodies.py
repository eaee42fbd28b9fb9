"""Read JSON bodies that may hold anything."""

import json
from typing import Any

from flask import request


def read_json() -> Any:
    """Return the request's JSON; None for what cannot be read, nests without end or holds half a character."""
    try:
        body = request.get_json(silent=True)
        json.dumps(body, ensure_ascii=False).encode()
    except (RecursionError, UnicodeEncodeError):
        return None
    return body
