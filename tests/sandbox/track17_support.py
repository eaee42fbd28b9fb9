"""17TRACK's API as a shop calls it, and a shop that takes its webhooks."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

from .support import DEADLINE_S, Page, Receiver, Running, wait_for

_drawn = itertools.count(1)
KEY = "0123456789ABCDEF0123456789ABCDEF"
UPS, USPS, FEDEX, DHL, CANADA_POST = 100002, 21051, 100003, 100001, 3041


class Inbox(Receiver):
    """Take 17TRACK's webhooks, verify them as its documentation says, keep the bytes."""

    path = "/webhooks/17track"

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.refused: list[bytes] = []
        self.status_of_failure = 503
        self.expected = ""
        self.open = threading.Event()
        self.open.set()
        super().__init__()

    @property
    def options(self) -> tuple[str, ...]:
        return ("--track17-webhook-url", self.url, "--track17-key", KEY)

    def take(self, payload: bytes, headers: Message) -> int:
        if not json.loads(payload)["data"]["number"].startswith(self.expected):
            return 200  # on its way since an earlier test
        self.attempts += 1
        self.open.wait(DEADLINE_S)
        if hashlib.sha256(payload + b"/" + KEY.encode()).hexdigest() != headers["sign"]:
            self.refused.append(payload)
            return 400
        if self.is_to_fail():
            return self.status_of_failure
        self.bodies.append(payload)
        return 200

    def empty(self) -> None:
        self.bodies.clear()
        self.refused.clear()
        self.attempts = self.failures_to_come = 0
        self.status_of_failure = 503
        self.expected = ""
        self.open.set()

    def events(self, number: str) -> list[dict[str, Any]]:
        """Return what has arrived of one parcel, the first first."""
        arrived = [json.loads(body) for body in self.bodies]
        return [event for event in arrived if event["data"]["number"] == number]

    def statuses(self, number: str) -> list[str]:
        """Return how one parcel's status changed, as far as the shop knows."""
        updates = [event["data"] for event in self.events(number) if event["event"] == "TRACKING_UPDATED"]
        return [data["track_info"]["latest_status"]["sub_status"] for data in updates]

    def wait_for(self, number: str, count: int) -> list[dict[str, Any]]:
        """Return a parcel's events once there are so many."""
        return wait_for(lambda: len(found := self.events(number)) >= count and found, f"{count} events of {number}")


@dataclass
class Api:
    """Calls with the right key, each in a second of its own: the sandbox's clock moves between them."""

    sandbox: Running
    headers: dict[str, str] = field(default_factory=lambda: {"17token": KEY, "Content-Type": "application/json"})
    number: str = field(default_factory=lambda: f"1Z999AA1{next(_drawn):010}")  # of UPS; nobody else's

    def post(self, name: str, body: bytes) -> Page:
        """Send a body as it is."""
        self.pass_time(1)
        return self.sandbox.request("POST", f"/track/v2.2/{name}", body, self.headers)

    def call(self, name: str, body: Any) -> dict[str, Any]:
        """Return the envelope of a call that was processed."""
        page = self.post(name, json.dumps(body).encode())
        assert page.status == 200, page.text
        return json.loads(page.text)

    def accepted(self, name: str, *items: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what became of items that were all accepted."""
        data = self.call(name, list(items))["data"]
        assert data["rejected"] == []
        return data["accepted"]

    def code(self, name: str, **item: Any) -> int:
        """Return why the only item was rejected."""
        data = self.call(name, [item])["data"]
        assert data["accepted"] == [], data
        return data["rejected"][0]["error"]["code"]

    def info(self, number: str) -> dict[str, Any]:
        """Return a parcel's track_info."""
        return self.accepted("gettrackinfo", {"number": number})[0]["track_info"]

    def pass_time(self, seconds: int) -> None:
        self.sandbox.order("/_clock", {"advance_s": seconds})

    def push(self, number: str, carrier: int, *steps: str) -> None:
        """Press the buttons of the page."""
        for step in steps:
            assert self.sandbox.post(f"/parcels/{number}/{carrier}/events/{step}", {}).status == 303
