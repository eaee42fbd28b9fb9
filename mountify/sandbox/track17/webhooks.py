"""17TRACK's events and their signature: the hex SHA-256 of the body, a slash and the account's key, in `sign`.

https://asset.17track.net/api/document/v2.2_en/index.html (webhook),
https://help.17track.net/hc/en-us/articles/37573146087321-Webhook-Development-Example-Code

The vendor tries again after 10, 30 and 60 minutes and then gives up; the sandbox tries sooner and does not.
"""

import copy
import hashlib
import json

from mountify.sandbox.context import Sandbox
from mountify.sandbox.ids import new_id
from mountify.sandbox.store import Doc, Store
from mountify.sandbox.webhooks import Destination

from .info import track_info

UPDATED, STOPPED = "TRACKING_UPDATED", "TRACKING_STOPPED"


class Track17Destination(Destination):
    """The shop's endpoint for 17TRACK's events."""

    kind = "track17.event"
    type_name = "event"
    signs_time = False

    def encode(self, event: Doc) -> bytes:
        """Return an event as 17TRACK writes it, without the sandbox's own notes."""
        told = {"event": event["event"], "data": event["data"]}
        return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()

    def headers(self, payload: bytes, secret: str, signed_at: int) -> dict[str, str]:
        """Return 17TRACK's headers; no time is signed."""
        return {
            "Content-Type": "application/json",
            "User-Agent": "17TRACK",
            "sign": hashlib.sha256(payload + b"/" + secret.encode()).hexdigest(),
        }

    def tampered(self, event: Doc) -> Doc:
        """Return the event of another parcel."""
        changed = copy.deepcopy(event)
        changed["data"]["number"] += "0"
        return changed

    def related(self, store: Store, event: Doc) -> list[Doc]:
        """Return every event of the same parcel."""
        return events_of(store, event["data"])

    def is_taken(self, status: int) -> bool:
        """Say whether the shop has taken it; the vendor wants exactly 200."""
        return status == 200


def events_of(store: Store, parcel: Doc, most: int = -1) -> list[Doc]:
    """Return a parcel's events, newest first."""
    same = "json_extract(doc, '$.data.number') = ? AND json_extract(doc, '$.data.carrier') = ?"
    return store.select(Track17Destination.kind, [(same, (parcel["number"], parcel["carrier"]))], most)


def emit(sandbox: Sandbox, event_type: str, parcel: Doc) -> None:
    """Store an event with the parcel as it is now; the delivery thread brings it to the shop."""
    now = sandbox.clock.now()
    data = {name: parcel[name] for name in ("number", "carrier", "param", "tag")}
    if event_type == UPDATED:
        data["track_info"] = track_info(parcel, now)
    sandbox.webhooks["17track"].record({"id": new_id("trk"), "event": event_type, "data": data, "at": now})
