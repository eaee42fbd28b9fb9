"""Levers for tests and for the curious: reset, clock, faults, webhook replays."""

import shutil
import time
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from . import checkout
from .bodies import read_json
from .context import Sandbox, the_sandbox
from .faults import SERVICES
from .google_api import tokens
from .store import Doc
from .webhooks import Webhooks

_STALE_S = 3600
_MOST_TIMES = 1_000_000
_METHODS = ("", "GET", "POST", "PUT", "DELETE")
_FAULT = {"service", "path_prefix", "method", "status", "after", "delay_s", "cut", "times"}
_LATEST_S = 20 * 365 * 24 * 3600  # further ahead no vendor's date can be written any more


class BadOrder(Exception):
    """A control request that makes no sense; the message says why."""


def create_blueprint() -> Blueprint:
    """Put the levers together."""
    bp = Blueprint("control", __name__)
    bp.register_error_handler(BadOrder, lambda error: make_response(jsonify(error=str(error)), 400))
    bp.add_url_rule("/healthz", "healthz", lambda: jsonify(status="ok"))
    bp.add_url_rule("/_reset", "reset", _reset, methods=["POST"])
    bp.add_url_rule("/_clock", "clock", _clock, methods=["GET", "POST"])
    bp.add_url_rule("/_faults", "faults", _faults, methods=["GET", "POST", "DELETE"])
    bp.add_url_rule("/_google/next_token", "next_token", _next_token, methods=["GET", "POST"])
    bp.add_url_rule("/_webhooks/replay", "replay", _replay, methods=["POST"])
    return bp


def _reset() -> BaseResponse:
    sandbox = the_sandbox()
    sandbox.store.clear()
    sandbox.track17_calls.forget()
    for webhooks in sandbox.webhooks.values():
        webhooks.wait_until_idle()
    shutil.rmtree(sandbox.data_dir / "pictures", ignore_errors=True)
    return jsonify(status="empty") if request.mimetype in ("", "application/json") else redirect("/", 303)


def _clock() -> Response:
    sandbox = the_sandbox()
    if request.method == "POST":
        order = _order({"advance_s"})
        advance = order.get("advance_s")
        if isinstance(advance, bool) or not isinstance(advance, int) or advance < 0:
            raise BadOrder("advance_s must be a whole number of seconds, 0 or more")
        if sandbox.clock.offset() + advance > _LATEST_S:
            raise BadOrder("the clock goes at most twenty years ahead; POST /_reset sets it back")
        sandbox.clock.advance(advance)
        checkout.expire_due(sandbox)
        for webhooks in sandbox.webhooks.values():
            webhooks.wake()
    return jsonify(now=sandbox.clock.now(), ahead_s=sandbox.clock.offset())


def _faults() -> Response:
    store = the_sandbox().store
    if request.method == "POST":
        fault = _checked_fault(_order(_FAULT))
        store.change(
            "INSERT INTO faults (service, path_prefix, status, after, delay_s, cut, times, method) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            fault,
        )
    elif request.method == "DELETE":
        store.change("DELETE FROM faults")
    waiting = store.rows("SELECT * FROM faults WHERE times > 0 ORDER BY id")
    return jsonify(faults=[{**dict(row), "after": bool(row["after"]), "cut": bool(row["cut"])} for row in waiting])


def _checked_fault(order: Doc) -> tuple[Any, ...]:
    service, prefix = order.get("service"), order.get("path_prefix") or ""
    status, delay, times = order.get("status"), order.get("delay_s") or 0, order.get("times", 1)
    after, cut, method = order.get("after") or False, order.get("cut") or False, order.get("method") or ""
    if service not in SERVICES:
        raise BadOrder(f"service must be one of {', '.join(SERVICES)}")
    if not isinstance(prefix, str):
        raise BadOrder("path_prefix must be a string such as /v1/checkout")
    if status is not None and (not isinstance(status, int) or not 400 <= status <= 599):
        raise BadOrder("status must be between 400 and 599")
    if not isinstance(after, bool) or not isinstance(cut, bool):
        raise BadOrder("after and cut are true or false")
    if after and status is None:
        raise BadOrder("after goes with a status: the answer that replaces the real one")
    if isinstance(delay, bool) or not isinstance(delay, int | float) or not 0 <= delay <= 120:
        raise BadOrder("delay_s must be between 0 and 120")
    if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= _MOST_TIMES:
        raise BadOrder(f"times must be between 1 and {_MOST_TIMES}")
    if method not in _METHODS:
        raise BadOrder(f"method must be one of {', '.join(_METHODS[1:])}")
    if status is None and not delay and not cut:
        raise BadOrder("give status, delay_s or cut")
    return service, prefix, status, int(after), delay, int(cut), times, method


def _next_token() -> Response:
    """Make the next ID token wrong in one way; it is taken once."""
    sandbox = the_sandbox()
    if request.method == "POST":
        how = _order({"how"}).get("how")
        if how not in tokens.WAYS:
            raise BadOrder(f"how must be one of {', '.join(tokens.WAYS)}")
        tokens.ask_for(sandbox, how)
    return jsonify(how=tokens.asked_for(sandbox) or None)


def _replay() -> Response:
    order = _order({"event", "how"})
    webhooks, event = _event(the_sandbox(), order.get("event"))
    how = order.get("how", "duplicate")
    if how not in _WAYS:
        raise BadOrder(f"how must be one of {', '.join(_WAYS)}")
    if how == "stale" and not webhooks.destination.signs_time:
        raise BadOrder("this vendor signs no time, so that none of its events can be stale")
    return jsonify(sent=_in_reverse(webhooks, event) if how == "reorder" else [_send(webhooks, event, how)])


_WAYS = ("duplicate", "reorder", "tampered", "stale", "wrong_secret")


def _event(sandbox: Sandbox, asked: object) -> tuple[Webhooks, Doc]:
    """Find an event by id, or the newest of a type, and who delivers it."""
    for webhooks in sandbox.webhooks.values():
        found = webhooks.find(str(asked))
        if found is not None:
            return webhooks, found
    raise BadOrder(f"no event {asked!r}: give an id (evt_…) or a type that has occurred")


def _send(webhooks: Webhooks, event: Doc, how: str) -> Doc:
    if how == "tampered":
        status, answer = webhooks.send(event, instead=webhooks.destination.tampered(event))
    elif how == "stale":
        status, answer = webhooks.send(event, signed_at=time.time() - _STALE_S)
    elif how == "wrong_secret":
        status, answer = webhooks.send(event, secret="whsec_wrong")  # noqa: S106 (wrong on purpose)
    else:
        status, answer = webhooks.send(event)
    return {"event": event["id"], "type": event[webhooks.destination.type_name], "status": status, "answer": answer}


def _in_reverse(webhooks: Webhooks, event: Doc) -> list[Doc]:
    """Send every event of the same thing again, newest first."""
    store = the_sandbox().store
    return [_send(webhooks, one, "duplicate") for one in webhooks.destination.related(store, event)]


def _order(known: set[str]) -> Doc:
    order = read_json()
    if not isinstance(order, dict):
        raise BadOrder("send a JSON object")
    unknown = sorted(set(order) - known)
    if unknown:
        raise BadOrder(f"unknown name {unknown[0]!r}: use {', '.join(sorted(known))}")
    return order
