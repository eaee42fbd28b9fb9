"""The list of registered numbers, https://asset.17track.net/api/document/v2.2_en/index.html (gettracklist)."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from mountify.sandbox import track17_errors as errors
from mountify.sandbox.context import Sandbox
from mountify.sandbox.store import Doc
from mountify.sandbox.track17_errors import Track17Error

from .info import track_info, utc
from .journey import KIND
from .webhooks import events_of

PAGE_SIZE = 40
_FILTERS: Mapping[str, str] = {
    "number": "upper(json_extract(doc, '$.number')) IN (SELECT upper(trim(value)) FROM json_each(?))",
    "carrier": "json_extract(doc, '$.carrier') = ?",
    "tracking_status": "(json_extract(doc, '$.stopped_at') IS NOT NULL) = (? = 'Stopped')",
    "package_status": "json_extract(doc, '$.status[0]') = ?",
    "register_time_from": "json_extract(doc, '$.registered_at') >= ?",
    "register_time_to": "json_extract(doc, '$.registered_at') <= ?",
    "track_time_from": "json_extract(doc, '$.found_at') >= ?",
    "track_time_to": "json_extract(doc, '$.found_at') <= ?",
}
_ORDERS: Mapping[str, str] = {"RegisterTime": "registered_at", "TrackTime": "found_at"}
_UNPLAYED = ("push_time_from", "push_time_to")
FIELDS: Mapping[str, type] = {
    **dict.fromkeys(_FILTERS, str),
    "carrier": int,
    "page_no": int,
    "order_by": str,
    **dict.fromkeys(_UNPLAYED, str),
}


def listed(sandbox: Sandbox, order: Doc) -> Doc:
    """Return one page of the numbers that fit, the newest registration first unless ordered otherwise."""
    page_no = order.get("page_no") or 1
    is_known = order.get("tracking_status") in (None, "Tracking", "Stopped")
    if page_no < 1 or not is_known or order.keys() & set(_UNPLAYED):
        raise Track17Error(200, errors.BAD_BODY)
    where = [(sql, (_value(name, order[name]),)) for name, sql in _FILTERS.items() if order.get(name)]
    found = _sorted(sandbox.store.select(KIND, where, oldest_first=True), order.get("order_by") or "RegisterTimeDesc")
    page = found[(page_no - 1) * PAGE_SIZE : page_no * PAGE_SIZE]
    return {
        "page": {
            "data_total": len(found),
            "page_total": -(-len(found) // PAGE_SIZE),
            "page_no": page_no,
            "page_size": PAGE_SIZE,
        },
        "code": 0,
        "data": {"accepted": [_row(sandbox, parcel) for parcel in page], "rejected": []},
    }


def _value(name: str, asked: str | int) -> str | int:
    """Return a filter's value as its condition takes it; several numbers come in one string with commas."""
    if name == "number":
        return json.dumps(str(asked).split(","))
    if not name.endswith(("_from", "_to")):
        return asked
    try:
        at = datetime.fromisoformat(str(asked))
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        raise Track17Error(200, errors.BAD_BODY) from None


def _sorted(oldest_first: list[Doc], order: str) -> list[Doc]:
    asked = re.fullmatch(r"(\w+Time)(Asc|Desc)", order)
    if asked is None or asked[1] not in _ORDERS:
        raise Track17Error(200, errors.BAD_BODY)
    found = sorted(oldest_first, key=lambda parcel: parcel[_ORDERS[asked[1]]] or 0)
    return found if asked[2] == "Asc" else found[::-1]


def _row(sandbox: Sandbox, parcel: Doc) -> Doc:
    now = sandbox.clock.now()
    info = track_info(parcel, now)
    event = info["latest_event"] or {}
    reached = {stage["key_stage"]: stage["time_utc"] for stage in info["milestone"]}
    metrics = {name: days for name, days in info["time_metrics"].items() if name.startswith("days")}
    return {
        "number": parcel["number"],
        "param": parcel["param"],
        "param_type": "None",
        "data_origin": "Api",
        "carrier": parcel["carrier"],
        "shipping_country": info["shipping_info"]["shipper_address"]["country"],
        "final_carrier": parcel["final_carrier"],
        "recipient_country": info["shipping_info"]["recipient_address"]["country"],
        "register_time": utc(parcel["registered_at"]),
        "tracking_status": "Tracking" if parcel["stopped_at"] is None else "Stopped",
        "package_status": parcel["status"][0],
        "track_time": utc(parcel["found_at"]),
        **_pushed(sandbox, parcel),
        "stop_track_time": utc(parcel["stopped_at"]),
        "stop_track_reason": None if parcel["stopped_at"] is None else "ByRequest",
        "is_retracked": parcel["is_retracked"],
        "carrier_change_count": parcel["carrier_changes"],
        "tag": parcel["tag"],
        "email": parcel["email"] or "",
        "order_no": parcel["order_no"],
        "order_time": parcel["order_time"],
        "lang": parcel["lang"] or "",
        "remark": parcel["remark"],
        "latest_event_time": event.get("time_iso"),
        "latest_event_info": f"{event['location']},{event['description']}" if event else None,
        **metrics,
        "delievery_time": reached["Delivered"] or "",  # the vendor's spelling
        "pickup_time": reached["PickedUp"] or "",
    }


def _pushed(sandbox: Sandbox, parcel: Doc) -> Doc:
    """Return how the newest webhook of a parcel fared."""
    events = events_of(sandbox.store, parcel, 1)
    found = events and sandbox.store.rows("SELECT * FROM deliveries WHERE event_id = ?", (events[0]["id"],))
    if not found or not found[0]["attempts"]:
        return {"push_time": None, "push_status": "NotPushed", "push_status_code": None}
    answer = found[0]["last_answer"]
    return {
        "push_time": utc(events[0]["at"]),
        "push_status": "Success" if found[0]["delivered"] else "Failure",
        "push_status_code": int(answer) if answer.isdigit() else 0,
    }
