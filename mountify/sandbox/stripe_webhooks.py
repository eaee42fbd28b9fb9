"""Stripe's events and their signature, https://docs.stripe.com/webhooks#verify-manually."""

import copy
import hashlib
import hmac
import json

from .ids import new_id
from .store import Doc, Store
from .webhooks import Destination

API_VERSION = "2026-10-28.endive"


class StripeDestination(Destination):
    """The shop's endpoint for Stripe's events."""

    kind = "event"
    type_name = "type"
    signs_time = True

    def encode(self, event: Doc) -> bytes:
        """Return an event as Stripe prints it."""
        return json.dumps(event, indent=2).encode()

    def headers(self, payload: bytes, secret: str, signed_at: int) -> dict[str, str]:
        """Return Stripe's headers; the signature is made of the time and the body."""
        digest = hmac.new(secret.encode(), f"{signed_at}.".encode() + payload, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": f"t={signed_at},v1={digest}",
        }

    def tampered(self, event: Doc) -> Doc:
        """Return the event with another amount."""
        changed = copy.deepcopy(event)
        changed["data"]["object"]["amount_total"] = 1
        return changed

    def related(self, store: Store, event: Doc) -> list[Doc]:
        """Return every event of the same payment."""
        obj = event["data"]["object"]
        same = "json_extract(doc, '$.data.object.id') = ? OR json_extract(doc, '$.data.object.payment_intent') = ?"
        return store.select(self.kind, [(same, (obj["id"], obj.get("payment_intent") or obj["id"]))])

    def note_taken(self, store: Store, event_id: str) -> None:
        """Let the event say that no webhook is pending any more."""
        store.change("UPDATE objects SET doc = json_set(doc, '$.pending_webhooks', 0) WHERE id = ?", (event_id,))


def new_event(event_type: str, obj: Doc, *, created: int, idempotency_key: str | None, request_id: str | None) -> Doc:
    """Return an event with the object as it is now."""
    return {
        "id": new_id("evt_1"),
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": {"object": obj},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": request_id, "idempotency_key": idempotency_key},
        "type": event_type,
    }
