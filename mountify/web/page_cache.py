"""Shared pages: kept in Redis for readers without a cookie of ours, and answered with 304 to who has them already.

Readers with a cart or an account get pages of their own, made of what the process remembers since the last change.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app, g, request

from mountify import freshness
from mountify.config import Config
from mountify.store import Store, StoreDown, ask, share
from mountify.web.headers import may_be_shared
from mountify.web.release import release

T = TypeVar("T")

KEPT_S = 600
MOST_REMEMBERED = 200
_SECOND_NS = 10**9
_STARTED_NS = time.time_ns()
_TIMELESS = frozenset({"static", "assets.bundle", "health.alive", "health.ready"})


def init_page_cache(app: Flask, store: Store) -> None:
    app.config["PAGE_GENERATION"] = _generation(app.config["SHOP"])
    share(store)
    app.before_request(_begin)
    app.after_request(_validate)


def _begin() -> None:
    """Note the version before anything is read for an answer that may be shared."""
    if may_be_shared() and request.endpoint not in _TIMELESS:
        version()


def version() -> int | None:
    """The version of what everybody sees from before anything was read for this answer; None when Redis is down."""
    if "version" not in g:
        try:
            g.version = freshness.read()
        except StoreDown:
            g.version = None
    return cast(int | None, g.version)


def kept(key: str | None, make: Callable[[], Response], *, mimetype: str = "text/html") -> Response:
    """Answer from Redis, or make the answer and keep it when it is worth it (see worth_keeping).

    `key` names what the page shows, made of values that were understood, never of an address as it came; None keeps
    nothing. A reader with a cookie of ours always gets a new answer, and so do htmx and everybody while Redis is down.
    """
    if key is None or not may_be_shared():
        return make()
    place, body = _find(key)
    if body is not None:
        g.is_shared = True
        return Response(body, mimetype=mimetype)
    response = make()
    if response.status_code == 200 and g.get("worth_keeping", False):
        _keep(place, response.get_data(as_text=True))
    return response


def kept_data(key: str | None, make: Callable[[], dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Give what the API says to everybody alike, and whether it came from Redis."""
    place, body = _find(key) if key is not None else (None, None)
    if body is not None:
        return json.loads(body), True
    data = make()
    if g.get("worth_keeping", False):
        _keep(place, json.dumps(data))
    return data, False


def remembered(key: str | None, make: Callable[[], T], *, worth: Callable[[T], bool] = lambda _made: True) -> T:
    """Give what is the same for all readers, those with a cart too, from this process's memory, or make it.

    The memory lasts until the next change. `key` as for kept(); what is not `worth` it is not remembered.
    """
    now = version()
    if key is None or now is None:
        return make()
    since, things = current_app.extensions.get("memory", (None, {}))
    if since != now:
        things = {}
        current_app.extensions["memory"] = (now, things)
    if key in things:
        return cast(T, things[key])
    made = make()
    if len(things) < MOST_REMEMBERED and worth(made):
        things[key] = made
    return made


def for_everybody(content: bytes) -> None:
    """Say that the answer is for everybody alike, and the same answer as long as this is its content."""
    g.is_shared, g.tagged_by = True, content


def worth_keeping() -> None:
    """Say that this page shows something: pages of nothing are as many as there are addresses."""
    g.worth_keeping = True


def _find(key: str) -> tuple[str | None, str | None]:
    """Where this is kept, and what is there of the version of now; nowhere while Redis is down."""
    now = version()
    if now is None:
        return None, None
    place = f"page:{current_app.config['PAGE_GENERATION']}:{key}"
    try:
        made_at, _newline, body = (ask(lambda redis: redis.get(place)) or "").partition("\n")
    except StoreDown:
        return None, None
    return place, body if made_at == str(now) else None


def _keep(place: str | None, body: str) -> None:
    if place is None:
        return
    try:
        ask(lambda redis: redis.set(place, f"{g.version}\n{body}", ex=KEPT_S))
    except StoreDown:
        return


def _generation(config: Config) -> str:
    """Another release or another configuration leaves the pages of this one behind."""
    seen = (release(), config.base_url, config.static_url, config.currency, config.timezone)
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:12]


def _validate(response: Response) -> Response:
    """https://www.rfc-editor.org/rfc/rfc9110.html#name-conditional-requests"""
    if not g.get("is_shared", False) or not may_be_shared() or response.status_code != 200:
        return response
    content = g.get("tagged_by") or response.get_data()
    response.set_etag(hashlib.sha256(content).hexdigest()[:32], weak=True)
    if changed_at := _changed_at():
        response.last_modified = changed_at
    response.make_conditional(request)
    return response


def _changed_at() -> datetime | None:
    """When this has changed, to the second; None in that second itself, in which it may change again."""
    changed_s = max(version() or 0, _STARTED_NS) // _SECOND_NS
    is_known = version() is not None and time.time_ns() // _SECOND_NS > changed_s
    return datetime.fromtimestamp(changed_s, UTC) if is_known else None
