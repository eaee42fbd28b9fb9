"""What an account leaves with: its data, and good-bye."""

from __future__ import annotations

from flask import Blueprint, Response, json, make_response, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.services import account_closing
from mountify.services import account_data as data
from mountify.web.answers import done, page
from mountify.web.auth import require_proof, settings, shop_session

bp = Blueprint("account_data", __name__, url_prefix="/settings")


@bp.get("/download")
def show_download() -> Response:
    require_proof()
    return page("settings/download.html")


@bp.post("/download")
def download() -> Response:
    known = data.collect(require_proof().id)
    response = make_response(json.dumps(known, indent=2, sort_keys=False))
    response.mimetype = "application/json"
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@bp.get("/closing")
def show_closing() -> Response:
    require_proof()
    return page("settings/closing.html")


@bp.post("/closing")
def close() -> Response:
    account_closing.close(require_proof().id, site=settings().site, now=utcnow())
    shop_session().sign_out()
    return done(_("Your account is closed. You can still buy as a guest."), to=url_for("home.index"))
