"""Unsafe requests must come from our own pages; a signed-in session must show its token as well."""

from __future__ import annotations

from flask import Flask, Request, current_app, request
from flask_wtf.csrf import generate_csrf, validate_csrf
from markupsafe import Markup
from werkzeug.exceptions import Forbidden
from wtforms import ValidationError

from mountify.web.auth import identity, settings

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
WITHOUT_TOKEN = frozenset({"cart.add_item", "theme.set"})  # they may be posted from shared pages, which carry no token


class CrossSite(Forbidden):
    """An unsafe request that no page of ours has sent."""


def init_csrf(app: Flask) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.before_request(check)
    app.jinja_env.globals.update(csrf_field=csrf_field)


def check() -> None:
    """Refuse an unsafe request from elsewhere. Raises CrossSite."""
    if request.method not in UNSAFE or request.url_rule is None or request.blueprint == "webhooks":
        return  # without a rule nothing is done: the answer will be 404 or 405
    token_fits = _token_fits(request)
    origin = _comes_from_us(request)
    if origin is False or (origin is None and not token_fits):
        raise CrossSite
    if identity() is not None and request.endpoint not in WITHOUT_TOKEN and not token_fits:
        raise CrossSite


def csrf_field() -> Markup:
    """The hidden field for a form of a signed-in session; nothing for everybody else, so that pages can be shared."""
    if identity() is None:
        return Markup()
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())


def _comes_from_us(request: Request) -> bool | None:
    """True or False by the browser's word, None when it says nothing."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    ours = settings().origin
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == ours
    referrer = request.headers.get("Referer")
    return None if referrer is None else f"{referrer}/".startswith(f"{ours}/")


def _token_fits(request: Request) -> bool:
    token = request.headers.get("X-CSRFToken") or (
        request.form.get("csrf_token") if request.mimetype in _FORMS else None
    )
    if identity() is None or not token:
        return False
    try:
        validate_csrf(token, secret_key=current_app.secret_key)
    except ValidationError:
        return False
    return True


_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
