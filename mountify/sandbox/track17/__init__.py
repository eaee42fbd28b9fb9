"""17TRACK's tracking API v2.2: https://asset.17track.net/api/document/v2.2_en/index.html.

The sandbox has one account; its key is given at the start and also signs the webhooks, as at the vendor.
"""

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from mountify.sandbox.track17_errors import INTERNAL, Track17Error

from . import changes, listing, numbers, quota
from .endpoint import View, authenticate, for_account, for_numbers, for_parcels, with_error

BASE = "/track/v2.2"
KEY = "17" * 16  # of the account, when no other is given; the vendor's keys are 32 hexadecimal digits too
_VIEWS: dict[str, View] = {
    "register": for_numbers(numbers.register, tells=("number", "tag")),
    "gettrackinfo": for_parcels(numbers.get_track_info),
    "stoptrack": for_parcels(numbers.stop),
    "retrack": for_parcels(numbers.retrack),
    "deletetrack": for_parcels(numbers.delete),
    "push": for_parcels(numbers.push),
    "changecarrier": for_numbers(changes.change_carrier),
    "changeinfo": for_numbers(changes.change_info),
    "gettracklist": for_account(listing.listed, listing.FIELDS),
    "getquota": for_account(lambda sandbox, _: {"code": 0, "data": quota.told(sandbox)}, {}),
}


def create_blueprint() -> Blueprint:
    """Put the /track routes together."""
    bp = Blueprint("track17", __name__)
    bp.before_request(authenticate)
    bp.register_error_handler(Track17Error, with_error)
    bp.register_error_handler(HTTPException, _with_http_error)
    for name, view in _VIEWS.items():
        bp.add_url_rule(f"{BASE}/{name}", name, view, methods=["POST"])
    bp.add_url_rule("/track/<path:rest>", "unknown", _unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    return bp


def _with_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    return with_error(Track17Error(status, INTERNAL if status >= 500 else status))


def _unknown(rest: str) -> Response:
    """Refuse what is not there, and what is there but wants to be posted."""
    is_known = request.path.removeprefix(f"{BASE}/") in _VIEWS
    raise Track17Error(405 if is_known else 404)
