"""What 17TRACK tells of a parcel: `track_info` of gettrackinfo and of the webhook.

https://asset.17track.net/api/document/v2.2_en/index.html (get tracking details)
"""

import json
import zlib
from datetime import UTC, datetime, timedelta, timezone

from mountify.sandbox.store import Doc

from .carriers import CARRIERS
from .journey import MILESTONES, PLACES, STEPS

_DAY_S = 24 * 3600
_CARRIERS_ZONE = timezone(timedelta(hours=-5))  # carriers write their own local time


def track_info(parcel: Doc, now: int) -> Doc:
    """Return everything that is known of a parcel; a result was gathered before."""
    events = [_event(event) for event in parcel["events"]]
    status, sub_status = parcel["status"]
    return {
        "shipping_info": {
            "shipper_address": PLACES[0].address() if events else _NOWHERE,
            "recipient_address": PLACES[-1].address() if events else _NOWHERE,
        },
        "latest_status": {"status": status, "sub_status": sub_status, "sub_status_descr": None},
        "latest_event": events[0] if events else None,
        "time_metrics": _time_metrics(parcel, now),
        "milestone": _milestones(parcel),
        "misc_info": {
            "risk_factor": 0,
            "service_type": None,
            "weight_raw": None,
            "weight_kg": None,
            "pieces": None,
            "dimensions": None,
            "customer_number": None,
            "reference_number": None,
            "local_number": "",
            "local_provider": "",
            "local_key": 0,
        },
        "tracking": _tracking(parcel, events),
    }


def utc(at: int | None) -> str | None:
    """Return a time as the vendor writes UTC."""
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


_NOWHERE: Doc = {
    **dict.fromkeys(("country", "state", "city", "street", "postal_code")),
    "coordinates": {"longitude": None, "latitude": None},
}


def _times(at: int | None) -> Doc:
    if at is None:
        return {"time_iso": None, "time_utc": None, "time_raw": {"date": None, "time": None, "timezone": None}}
    local = datetime.fromtimestamp(at, _CARRIERS_ZONE)
    raw = {"date": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M:%S}", "timezone": local.isoformat()[-6:]}
    return {"time_iso": local.isoformat(), "time_utc": utc(at), "time_raw": raw}


def _event(event: Doc) -> Doc:
    step = STEPS[event["step"]]
    place = PLACES[step.place]
    return {
        **_times(event["at"]),
        "description": step.description,
        "location": place.location,
        "stage": step.stage,
        "sub_status": step.sub_status,
        "address": place.address(),
    }


def _time_metrics(parcel: Doc, now: int) -> Doc:
    """Days until the delivery: of the order from the first event, of the transit from the pick-up."""
    oldest_first = list(reversed(parcel["events"]))
    reached = {event["step"]: event["at"] for event in oldest_first}
    end, is_done = reached.get("delivered", now), "delivered" in reached
    began = oldest_first[0]["at"] if oldest_first else end
    transit = _days(reached.get("picked_up", began), end)
    return {
        "days_after_order": _days(began, end),
        "days_of_transit": transit,
        "days_of_transit_done": transit if is_done else 0,
        "days_after_last_update": _days(oldest_first[-1]["at"], now) if oldest_first and not is_done else 0,
        "estimated_delivery_date": {"source": None, "from": None, "to": None},
    }


def _days(since: int, until: int) -> int:
    return max(0, until - since) // _DAY_S


def _milestones(parcel: Doc) -> list[Doc]:
    """Every stage in its order, with the time at which it was first reached."""
    first = {STEPS[event["step"]].stage: event["at"] for event in parcel["events"]}
    return [{"key_stage": stage, **_times(first.get(stage))} for stage in MILESTONES]


def _tracking(parcel: Doc, events: list[Doc]) -> Doc:
    carrier = CARRIERS[parcel["carrier"]]
    told = {
        "provider": {
            "key": carrier.key,
            "name": carrier.name,
            "alias": carrier.name,
            "tel": None,
            "homepage": carrier.homepage,
            "country": carrier.country,
        },
        "provider_lang": None,
        "service_type": None,
        "latest_sync_status": "Success",
        "latest_sync_time": utc(parcel["found_at"] or parcel["asked_at"]),
        "events_hash": _hash(events),
        "events": events,
    }
    return {"providers_hash": _hash([carrier.key]), "providers": [told]}


def _hash(value: object) -> int:
    """Return a signed number of 32 bits that changes with the value."""
    return zlib.crc32(json.dumps(value).encode()) - 2**31
