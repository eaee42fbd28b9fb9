"""Light or dark paper, kept in a cookie."""

from __future__ import annotations

from flask import Blueprint, Response, request

from mountify.web.answers import back, seen_other
from mountify.web.auth import settings
from mountify.web.headers import THEME_COOKIE
from mountify.web.templating import THEMES

bp = Blueprint("theme", __name__)

KEPT_S = 365 * 24 * 3600


@bp.post("/theme", endpoint="set")
def choose() -> Response:
    chosen = request.form.get("theme", "")
    response = seen_other(back())
    if chosen in THEMES:
        response.set_cookie(
            THEME_COOKIE, chosen, max_age=KEPT_S, httponly=True, samesite="Lax", secure=settings().is_https
        )
    else:
        response.delete_cookie(THEME_COOKIE)
    return response
