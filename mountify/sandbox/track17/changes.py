"""Corrections of a registration: another carrier, other notes.

https://asset.17track.net/api/document/v2.2_en/index.html (changecarrier, changeinfo)
"""

from mountify.sandbox import track17_errors as errors
from mountify.sandbox.context import Sandbox
from mountify.sandbox.store import Doc
from mountify.sandbox.track17_errors import Rejected

from .carriers import CARRIERS
from .journey import KIND, NOT_FOUND
from .numbers import (
    DETAILS,
    check_details,
    checked_final_carrier,
    checked_number,
    delete,
    has_result,
    named,
    parcel_id,
    registered,
)

MOST_CARRIER_CHANGES = 5


def change_carrier(sandbox: Sandbox, item: Doc) -> Doc:
    """Follow a number at another carrier, or name the one of the last mile; what was known is asked anew."""
    number, new, final_new = checked_number(item), item.get("carrier_new"), item.get("final_carrier_new")
    if not new and not final_new:
        raise Rejected(errors.NEW_CARRIER_MISSING)
    if new and new not in CARRIERS:
        raise Rejected(errors.NEW_CARRIER_WRONG, new)
    found = registered(sandbox, {"number": number})
    parcel = _meant(found, item)
    carrier = new or parcel["carrier"]
    kept = parcel["final_carrier"] if CARRIERS[carrier].is_post else 0
    final_carrier = checked_final_carrier(final_new or kept, carrier)
    _check_change(sandbox, parcel, carrier, final_carrier)
    if carrier != parcel["carrier"] and any(one["carrier"] == carrier for one in found):
        raise Rejected(errors.CARRIER_DUPLICATE, carrier)
    delete(sandbox, parcel)
    parcel.update(
        id=parcel_id(number, carrier),
        carrier=carrier,
        final_carrier=final_carrier,
        carrier_changes=parcel["carrier_changes"] + 1,
        asked_at=sandbox.clock.now(),
        found_at=None,
        status=list(NOT_FOUND),
        events=[],
    )
    sandbox.store.save(parcel, KIND)
    return named(parcel)


def _meant(found: list[Doc], item: Doc) -> Doc:
    """Return the one registration whose present carriers are those that the request names."""
    old, final_old = item.get("carrier_old"), item.get("final_carrier_old")
    parcels = [
        parcel
        for parcel in found
        if (not old or parcel["carrier"] == old) and (not final_old or parcel["final_carrier"] == final_old)
    ]
    if not parcels:
        raise Rejected(errors.OLD_CARRIER_WRONG, item["number"], old or final_old)
    if len(parcels) > 1:
        raise Rejected(errors.CARRIER_AMBIGUOUS)
    return parcels[0]


def _check_change(sandbox: Sandbox, parcel: Doc, carrier: int, final_carrier: int) -> None:
    if parcel["stopped_at"] is not None:
        raise Rejected(errors.CARRIER_OF_STOPPED)
    if (carrier, final_carrier) == (parcel["carrier"], parcel["final_carrier"]):
        raise Rejected(errors.CARRIER_UNCHANGED)
    if parcel["carrier_changes"] >= MOST_CARRIER_CHANGES:
        raise Rejected(errors.CARRIER_CHANGED_TOO_OFTEN)
    if not has_result(sandbox, parcel):
        raise Rejected(errors.RESULT_PENDING)


def change_info(sandbox: Sandbox, item: Doc) -> Doc:
    """Change what the account has written to a number."""
    parcels = registered(sandbox, item)
    if len(parcels) > 1:
        raise Rejected(errors.NUMBER_AMBIGUOUS)
    changes = {name: value for name, value in (item.get("items") or {}).items() if name in DETAILS}
    if not changes:
        raise Rejected(errors.NOTHING_TO_CHANGE)
    check_details(changes)
    parcels[0].update(changes)
    sandbox.store.save(parcels[0], KIND)
    return named(parcels[0])
