"""What can be done with tracking numbers: one function an endpoint, for one number or one registered parcel.

A number is registered with a carrier; the same number with another carrier is another registration.
https://asset.17track.net/api/document/v2.2_en/index.html
"""

import re

from mountify.sandbox import track17_errors as errors
from mountify.sandbox.context import Sandbox
from mountify.sandbox.store import Doc
from mountify.sandbox.track17_errors import Rejected

from . import quota
from .carriers import CARRIERS, guessed, marked
from .info import track_info
from .journey import KIND, NOT_FOUND, STEPS, take
from .webhooks import STOPPED, UPDATED, emit

# The vendor asks the carrier after a registration; until the answer is there it has nothing to tell.
FIRST_RESULT_S = 30
_NUMBER = re.compile(r"[A-Za-z0-9-]{5,50}")
_LANGUAGES = frozenset({"", "en", "ja", "fr", "da", "th", "de", "es", "zh-hans"})
_LONGEST_TAG = 100
_DETECTED, _CONFIRMED, _GUESSED = 1, 2, 3
DETAILS = ("tag", "param", "lang", "email", "order_no", "order_time", "remark")


def register(sandbox: Sandbox, item: Doc) -> Doc:
    """Begin to follow a number; costs a unit of the quota, two with a translation."""
    number = checked_number(item)
    carrier, origin = _carrier(item, number)
    final_carrier = checked_final_carrier(item.get("final_carrier"), carrier)
    check_details(item)
    if find(sandbox, number, carrier):
        raise Rejected(errors.ALREADY_REGISTERED, number)
    quota.spend(sandbox, 2 if item.get("lang") else 1)
    now = sandbox.clock.now()
    parcel: Doc = {
        "id": parcel_id(number, carrier),
        "number": number,
        "carrier": carrier,
        "final_carrier": final_carrier,
        **{name: item.get(name) for name in DETAILS},
        "registered_at": now,
        "asked_at": now,
        "found_at": None,
        "status": list(NOT_FOUND),
        "events": [],
        "stopped_at": None,
        "is_retracked": False,
        "carrier_changes": 0,
    }
    sandbox.store.save(parcel, KIND)
    told = {name: parcel[name] for name in ("number", "carrier", "email", "tag", "lang")}
    return {"origin": origin, **told}


def get_track_info(sandbox: Sandbox, parcel: Doc) -> Doc:
    """Tell what is known of a parcel."""
    if not has_result(sandbox, parcel):
        raise Rejected(errors.NO_INFO_YET)
    told = {name: parcel[name] for name in ("number", "carrier", "param", "tag")}
    return {**told, "track_info": track_info(parcel, sandbox.clock.now())}


def stop(sandbox: Sandbox, parcel: Doc) -> Doc:
    """Follow a parcel no longer; it stays readable."""
    if parcel["stopped_at"] is not None:
        raise Rejected(errors.NOT_TRACKED)
    parcel["stopped_at"] = sandbox.clock.now()
    sandbox.store.save(parcel, KIND)
    emit(sandbox, STOPPED, parcel)
    return named(parcel)


def retrack(sandbox: Sandbox, parcel: Doc) -> Doc:
    """Follow a stopped parcel again, once."""
    if parcel["stopped_at"] is None:
        raise Rejected(errors.NOT_STOPPED)
    if parcel["is_retracked"]:
        raise Rejected(errors.RETRACKED_BEFORE)
    parcel.update(stopped_at=None, is_retracked=True)
    sandbox.store.save(parcel, KIND)
    return named(parcel)


def delete(sandbox: Sandbox, parcel: Doc) -> Doc:
    """Forget a parcel; registering it again costs again."""
    sandbox.store.change("DELETE FROM objects WHERE id = ? AND kind = ?", (parcel["id"], KIND))
    return named(parcel)


def push(sandbox: Sandbox, parcel: Doc) -> Doc:
    """Send the webhook of a parcel once more."""
    if not sandbox.webhooks["17track"].destination.url:
        raise Rejected(errors.NO_WEBHOOK_URL)
    if not has_result(sandbox, parcel):
        raise Rejected(errors.NO_INFO_YET)
    emit(sandbox, UPDATED, parcel)
    return named(parcel)


def registered(sandbox: Sandbox, item: Doc) -> list[Doc]:
    """Return the parcels a request means: of one carrier, or of every carrier the number is registered with."""
    number, carrier = checked_number(item), item.get("carrier")
    found = sandbox.store.select(KIND, [("id GLOB ?", (parcel_id(number, "*"),))], oldest_first=True)
    parcels = [parcel for parcel in found if not carrier or parcel["carrier"] == carrier]
    if not parcels:
        raise Rejected(errors.NOT_REGISTERED, number)
    return parcels


def find(sandbox: Sandbox, number: str, carrier: int) -> Doc | None:
    """Return a registered parcel or None."""
    return sandbox.store.find(KIND, parcel_id(number, carrier))


def report(sandbox: Sandbox, parcel: Doc, step: str) -> bool:
    """Let the carrier report a step and tell the shop; False when the parcel is not followed any more."""
    if parcel["stopped_at"] is not None:
        return False
    take(parcel, STEPS[step], sandbox.clock.now())
    sandbox.store.save(parcel, KIND)
    emit(sandbox, UPDATED, parcel)
    return True


def has_result(sandbox: Sandbox, parcel: Doc) -> bool:
    """Say whether the carrier has been heard."""
    return parcel["found_at"] is not None or sandbox.clock.now() - parcel["asked_at"] >= FIRST_RESULT_S


def checked_number(item: Doc) -> str:
    """Return the number of a request's item. Raises Rejected."""
    number = item.get("number")
    if not number:
        raise Rejected(errors.MISSING, "number")
    if not _NUMBER.fullmatch(number):
        raise Rejected(errors.BAD_FORMAT, number)
    return str(number)


def _carrier(item: Doc, number: str) -> tuple[int, int]:
    """Return the carrier and how it was found: a wrong one is put right unless detection is switched off."""
    given, by_form = item.get("carrier"), marked(number)
    if given and given not in CARRIERS:
        raise Rejected(errors.CARRIER_WRONG, given)
    if given and (by_form in (None, given) or item.get("auto_detection") is False):
        return given, _CONFIRMED
    if by_form:
        return by_form, _DETECTED
    guess = guessed(number)
    if guess is None:
        raise Rejected(errors.CARRIER_UNDETECTED)
    return guess, _GUESSED


def checked_final_carrier(key: int | None, carrier: int) -> int:
    """Return the carrier of the last mile, 0 for none. Raises Rejected."""
    if not key:
        return 0
    if key not in CARRIERS:
        raise Rejected(errors.CARRIER_WRONG, key)
    if not CARRIERS[carrier].is_post:
        raise Rejected(errors.LAST_MILE_NOT_POSTAL)
    return key


def check_details(details: Doc) -> None:
    """Check what an account writes to a number. Raises Rejected."""
    tag, lang = details.get("tag") or "", details.get("lang") or ""
    if len(tag) > _LONGEST_TAG:
        raise Rejected(errors.BAD_VALUE, tag, "tag")
    if lang not in _LANGUAGES:
        raise Rejected(errors.BAD_VALUE, lang, "lang")


def parcel_id(number: str, carrier: int | str) -> str:
    """Return under which id a registration is kept."""
    return f"parcel:{number.upper()}:{carrier}"


def named(parcel: Doc) -> Doc:
    """Return how an answer names a parcel."""
    return {"number": parcel["number"], "carrier": parcel["carrier"]}
