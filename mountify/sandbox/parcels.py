"""The carriers' side of a parcel: every number registered at 17TRACK, with buttons for what happens to it next."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from .context import the_sandbox
from .store import Doc
from .track17 import journey, numbers
from .track17.carriers import CARRIERS
from .track17.info import track_info
from .track17_errors import Rejected

_LOOKS = {
    **dict.fromkeys(("NotFound", "InfoReceived"), "wait"),
    **dict.fromkeys(("InTransit", "OutForDelivery", "AvailableForPickup"), "hot"),
    **dict.fromkeys(("DeliveryFailure", "Exception", "Expired"), "bad"),
    "Delivered": "good",
}


def create_blueprint() -> Blueprint:
    """Put the page of parcels together."""
    bp = Blueprint("parcels", __name__)
    bp.add_url_rule("/parcels", "index", _index)
    bp.add_url_rule("/parcels/<number>/<int:carrier>/events/<step>", "report", _report, methods=["POST"])
    bp.add_url_rule("/parcels/<number>/<int:carrier>/stop", "stop", _stop, methods=["POST"])
    return bp


def _index() -> str:
    sandbox = the_sandbox()
    found = sandbox.store.select(journey.KIND, limit=100)
    return render_template(
        "parcels.html",
        parcels=[_shown(parcel) for parcel in found],
        steps=journey.STEPS.values(),
        deliveries=sandbox.webhooks["17track"].listed(),
    )


def _shown(parcel: Doc) -> Doc:
    info = track_info(parcel, the_sandbox().clock.now())
    return {
        "parcel": parcel,
        "carrier": CARRIERS[parcel["carrier"]].name,
        "status": journey.label(parcel),
        "look": _LOOKS[parcel["status"][0]],
        "events": info["tracking"]["providers"][0]["events"],
        "next": journey.usual_next(parcel),
    }


def _report(number: str, carrier: int, step: str) -> Response:
    sandbox = the_sandbox()
    if step not in journey.STEPS:
        abort(404)
    with sandbox.store.transaction():
        parcel = _parcel(number, carrier)
        is_told = numbers.report(sandbox, parcel, step)
    flash(f"{number}: {journey.STEPS[step].label.lower()}." if is_told else f"{number} is not followed any more.")
    return redirect(url_for("parcels.index"), 303)


def _stop(number: str, carrier: int) -> Response:
    sandbox = the_sandbox()
    with sandbox.store.transaction():
        try:
            numbers.stop(sandbox, _parcel(number, carrier))
            flash(f"{number} is followed no longer.")
        except Rejected as error:
            flash(error.message)
    return redirect(url_for("parcels.index"), 303)


def _parcel(number: str, carrier: int) -> Doc:
    found = numbers.find(the_sandbox(), number, carrier)
    if found is None:
        abort(404)
    return found
