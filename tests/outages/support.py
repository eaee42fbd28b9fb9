"""Stripe as the sandbox plays it, told to fail, and asked afterwards what it has seen."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import stripe as sdk

from mountify import db
from mountify.adapters.stripe import StripePayments
from mountify.core.clock import utcnow
from mountify.services import inventory, webhooks
from mountify.services.checkout import Started
from mountify.services.orders import lines_of, lock_order
from mountify.transaction import transaction
from tests.sandbox.support import Running, client_of
from tests.signatures import SECRET, signed

CREATE = "/v1/checkout/sessions"
FAULTS: dict[str, dict[str, Any]] = {
    "500 before acting": {"status": 500},
    "500 after acting": {"status": 500, "after": True},
    "cut after acting": {"cut": True},
    "409, locked": {"status": 409},
    "429, busy": {"status": 429},
}


class Stripe:
    def __init__(self, sandbox: Running) -> None:
        self.sandbox, self.client = sandbox, client_of(sandbox)

    def payments(self, **patience: float) -> StripePayments:
        """The shop's own adapter, whose SDK talks to this Stripe."""
        url = self.sandbox.url
        return StripePayments(
            "sk_test_of_the_tests", (SECRET,), api_base=url, before_call=db.assert_no_connection, **patience
        )

    def pay(self, started: Started, **changes: str) -> str:
        """Send the hosted page's form; gives where it leads."""
        form = self.sandbox.get(started.url).form()
        return self.sandbox.post(started.url, {**form, **changes}).location

    def fail(self, times: int = 1, path: str = CREATE, **fault: Any) -> None:
        self.sandbox.order("/_faults", {"service": "stripe", "path_prefix": path, "times": times, **fault})

    def heal(self) -> None:
        self.sandbox.request("DELETE", "/_faults")

    def faults(self) -> list[dict[str, Any]]:
        return list(json.loads(self.sandbox.get("/_faults").text)["faults"])

    def sessions(self) -> list[Any]:
        """Every session, newest first. Not while a fault waits for the next who asks."""
        return list(self.client.v1.checkout.sessions.list({"limit": 100}).data)

    def sessions_of_orders(self) -> Counter[int]:
        return Counter(int(session.client_reference_id) for session in self.sessions())

    def advance(self, **span: int) -> None:
        self.sandbox.order("/_clock", {"advance_s": int(timedelta(**span).total_seconds())})

    def deliveries(self) -> list[tuple[bytes, str]]:
        """Everything that Stripe has to tell, oldest first, signed now."""
        events = self.client.v1.events.list({"limit": 100}).data
        return [signed(event.to_dict()) for event in reversed(events)]

    def tell(self, run_jobs: Callable[[], int]) -> None:
        """Deliver everything that there is to tell, what was told before too, and let the shop do its work."""
        for delivery in self.deliveries():
            webhooks.receive_stripe(*delivery, payments=self.payments(), now=utcnow())
        while run_jobs():
            pass
        assert webhooks.list_unprocessed() == []
        db.release()


def release(order_id: int) -> None:
    """An operator frees the parts with the database's own tools, and Stripe is never told."""
    with transaction() as session:
        order = lock_order(session, order_id)
        inventory.release(session, lines_of(order))
        order.mark_cancelled("operator", now=utcnow())


@pytest.fixture
def stripe(sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> Stripe:
    """The SDK's pauses before a repeat are its own business; they are short here."""
    monkeypatch.setattr(sdk.HTTPClient, "INITIAL_DELAY", 0.02)
    monkeypatch.setattr(sdk.HTTPClient, "MAX_DELAY", 0.05)
    return Stripe(sandbox)
