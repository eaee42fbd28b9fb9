"""One URL, one view, two answers: a page for everybody, a fragment for htmx."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Response, current_app, flash, g, make_response, redirect, render_template, request, url_for
from jinja2_fragments.flask import render_block
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from mountify.web.auth import settings


def wants_fragment() -> bool:
    """Say whether htmx asks for a part: not when it asks for a whole page, boosted or from its history."""
    return (
        request.headers.get("HX-Request") == "true"
        and request.headers.get("HX-Request-Type", "partial") != "full"
        and "HX-Boosted" not in request.headers
        and "HX-History-Restore-Request" not in request.headers
    )


def is_page_load() -> bool:
    """Say whether a browser will show the answer as a page. https://www.w3.org/TR/fetch-metadata/#sec-fetch-mode-header"""
    return request.headers.get("Sec-Fetch-Mode") == "navigate"


def page(
    template: str, *, block: str | None = None, status: int = 200, shared: bool = False, **values: Any
) -> Response:
    """Answer with a page, or with one block of it when htmx asks for a part."""
    g.is_shared = shared
    if block is not None and wants_fragment():
        return make_response(render_block(template, block, **values), status)
    return make_response(render_template(template, **values), status)


def done(message: str | None, *, to: str, kind: str = "ok", stream: str | None = None, **values: Any) -> Response:
    """Answer a change that worked: the partials that changed for htmx, flash and 303 for everybody else."""
    if stream is not None and wants_fragment():
        return make_response(render_template(stream, message=message, **values))
    if message:
        flash(message, kind)
    return seen_other(to)


def seen_other(to: str) -> Response:
    """Send the browser on by GET; by a header when htmx asks, since it would follow a 303 inside the page."""
    if wants_fragment():
        response = make_response("", 200)
        response.headers["HX-Redirect"] = to
        return response
    return make_response(redirect(to, 303))


def local_path(candidate: str | None, default: str | None = None) -> str:
    """Give back a path of this shop, or the default for anything that could lead elsewhere."""
    fallback = default or url_for("home.index")
    if not candidate or len(candidate) > 2000:
        return fallback
    for text in (candidate, unquote(candidate), unquote(unquote(candidate))):
        if not text.startswith("/") or text.startswith(("//", "/\\")) or "\\" in text:
            return fallback
        if any(ord(character) < 33 or ord(character) == 127 for character in text):
            return fallback
    parts = urlsplit(candidate)
    return fallback if parts.scheme or parts.netloc else candidate


def back(default: str | None = None) -> str:
    """Where the shopper came from, when that is a page of ours; an answer to a form has none to go back to."""
    referrer = request.referrer or ""
    ours = settings().origin
    path = local_path(referrer[len(ours) :] if referrer.startswith(f"{ours}/") else None, default)
    return path if _can_be_read(path) else default or url_for("home.index")


def _can_be_read(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(urlsplit(path).path, method="GET")
    except RequestRedirect:
        return True
    except HTTPException:
        return False
    return True
