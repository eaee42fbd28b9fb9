"""Stripe as the sandbox plays it, told to fail, and asked afterwards what it has seen."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

from tests.sandbox.support import Running, client_of
from tests.signatures import signed

CREATE = "/v1/checkout/sessions"


class Stripe:
    def __init__(self, sandbox: Running) -> None:
        self.sandbox, self.client = sandbox, client_of(sandbox)

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
