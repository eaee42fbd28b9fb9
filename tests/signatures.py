"""Deliveries signed as Stripe signs them, or almost."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

SECRET = "whsec_of_the_tests"


def signed(event: object, *, secret: str = SECRET, at: float | None = None) -> tuple[bytes, str]:
    """A payload, taken as it is when it is bytes, and its Stripe-Signature."""
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    moment = int(time.time() if at is None else at)
    return payload, f"t={moment},v1={digest(payload, moment, secret)}"


def digest(payload: bytes, moment: int | str, secret: str = SECRET) -> str:
    """https://docs.stripe.com/webhooks#verify-manually"""
    return hmac.new(secret.encode(), f"{moment}.".encode() + payload, hashlib.sha256).hexdigest()
