"""Identifiers in the vendors' shapes."""

import secrets
import string
import uuid

_ALPHABET = string.ascii_letters + string.digits
_LENGTHS = {"cs_test_a1": 57, "pi_3": 23, "ch_3": 23, "re_3": 23, "evt_1": 23, "du_1": 23}


def new_id(prefix: str) -> str:
    """Draw an id such as `cs_test_a1…`; the prefix decides the length as it does at Stripe."""
    separator = "" if prefix in _LENGTHS else "_"
    tail = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTHS.get(prefix, 24)))
    return f"{prefix}{separator}{tail}"


def new_uuid() -> str:
    """Draw an id as Resend does."""
    return str(uuid.uuid4())
