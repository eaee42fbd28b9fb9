"""Resend's API: send one, send a batch, look one up, take back what is scheduled; list the one domain there is."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from . import faults, idempotency
from .bodies import read_json
from .context import the_sandbox
from .ids import new_uuid
from .resend_errors import ResendError, invalid
from .resend_rules import check_email
from .resend_schedule import cancel, last_event
from .store import Doc

_KEY = re.compile(r"Bearer re_\w+")
_BATCH = 100
_DOMAIN = {
    "id": "d91cd9bd-1176-453e-8fc1-35364d380206",
    "name": "mountify.example",
    "status": "verified",
    "created_at": "2026-01-01 00:00:00.000000+00",
    "region": "us-east-1",
    "capabilities": {"sending": "enabled", "receiving": "disabled"},
}
_PUBLIC = ("id", "from", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "created_at", "scheduled_at", "tags")


def create_blueprint() -> Blueprint:
    """Put the /emails routes and /domains together."""
    bp = Blueprint("resend", __name__)
    bp.before_request(_authenticate)
    bp.register_error_handler(ResendError, with_resend_error)
    bp.add_url_rule("/emails", "send", _send, methods=["POST"])
    bp.add_url_rule("/emails/batch", "send_batch", _send_batch, methods=["POST"])
    bp.add_url_rule("/emails/<email_id>", "get_email", _get, methods=["GET"])
    bp.add_url_rule("/emails/<email_id>/cancel", "cancel_email", _cancel, methods=["POST"])
    bp.add_url_rule("/domains", "list_domains", _list_domains, methods=["GET"])
    return bp


def _authenticate() -> None:
    header = request.headers.get("Authorization", "")
    if not header:
        raise ResendError(401, "missing_api_key", "Missing API Key")
    if not _KEY.fullmatch(header):
        raise ResendError(401, "validation_error", "API key is invalid")


def _send() -> Response:
    def work(body: Any) -> Doc:
        return {"id": _keep(check_email(body, the_sandbox().clock.now()))}

    return _once(work)


def _send_batch() -> Response:
    mode = request.headers.get("x-batch-validation", "strict")
    if mode not in ("strict", "permissive"):
        raise invalid("The `x-batch-validation` header must be `strict` or `permissive`.")

    def work(body: Any) -> Doc:
        if not isinstance(body, list) or not 1 <= len(body) <= _BATCH:
            raise invalid(f"The request body must be an array of 1 to {_BATCH} emails.")
        good, bad = _checked(body, permissive=mode == "permissive")
        answer: Doc = {"data": [{"id": _keep(email)} for email in good]}
        return {**answer, "errors": bad} if mode == "permissive" else answer

    return _once(work)


def _checked(body: list[Any], *, permissive: bool) -> tuple[list[Doc], list[Doc]]:
    """Tell the good from the bad; where nothing is let through, the first bad one refuses all of them."""
    now = the_sandbox().clock.now()
    good: list[Doc] = []
    bad: list[Doc] = []
    for index, one in enumerate(body):
        try:
            good.append(check_email(one, now, in_batch=True))
        except ResendError as error:
            if not permissive:
                raise
            bad.append({"index": index, "message": error.message})
    return good, bad


def _get(email_id: str) -> Response:
    faults.pause()
    email = _found(email_id)
    event = last_event(email, the_sandbox().clock.now())
    told = {name: email[name] for name in _PUBLIC}
    message_id = f"<{email_id}@{email['from'].rpartition('@')[2].rstrip('>')}>"
    return _answer(200, json.dumps({"object": "email", **told, "message_id": message_id, "last_event": event}))


def _cancel(email_id: str) -> Response:
    faults.pause()
    sandbox = the_sandbox()
    with sandbox.store.transaction():
        email = _found(email_id)
        cancel(email, sandbox.clock.now())
        sandbox.store.save(email, "email")
    return _answer(200, json.dumps({"object": "email", "id": email_id}))


def _list_domains() -> Response:
    """https://resend.com/docs/api-reference/domains/list-domains"""
    if request.args:
        raise invalid(f"The sandbox does not play the parameter {next(iter(request.args))[:40]}")
    faults.pause()
    return _answer(200, json.dumps({"object": "list", "has_more": False, "data": [_DOMAIN]}))


def _found(email_id: str) -> Doc:
    try:
        uuid.UUID(email_id)
    except ValueError:
        raise invalid("The `id` must be a valid UUID.") from None
    email = the_sandbox().store.find("email", email_id)
    if email is None:
        raise ResendError(404, "not_found", "Email not found")
    return email


def _keep(email: Doc) -> str:
    sandbox = the_sandbox()
    email_id = new_uuid()
    key = request.headers.get("Idempotency-Key")
    stored = {"id": email_id, **email, "idempotency_key": key, "created_at": sandbox.clock.iso()}
    sandbox.store.save(stored, "email")
    return email_id


def _once(work: Callable[[Any], Doc]) -> Response:
    body = read_json()
    if body is None:
        raise ResendError(400, "validation_error", "The request body must be valid JSON.")
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return _run(None, "", body, work)
    if not 1 <= len(key) <= 256:
        raise ResendError(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
    with idempotency.in_progress(the_sandbox(), "resend", key) as free:
        if not free:
            raise ResendError(
                409,
                "concurrent_idempotent_requests",
                "Same idempotency key used while original request is still in progress.",
            )
        mode = request.headers.get("x-batch-validation", "strict")
        return _run(key, idempotency.fingerprint(request.path, mode, body), body, work)


def _run(key: str | None, mark: str, body: Any, work: Callable[[Any], Doc]) -> Response:
    sandbox = the_sandbox()
    faults.pause()
    with sandbox.store.transaction():
        stored = idempotency.find(sandbox, "resend", key) if key else None
        if stored is None:
            answer = json.dumps(work(body))
            if key:
                idempotency.keep(sandbox, "resend", key, idempotency.Answer(mark, 200, answer, ""))
            return _answer(200, answer)
    if stored.request != mark:
        raise ResendError(
            409, "invalid_idempotent_request", "Same idempotency key used with a different request payload."
        )
    return _answer(stored.status, stored.body)


def _answer(status: int, body: str) -> Response:
    return Response(body, status, mimetype="application/json")


def with_resend_error(error: ResendError) -> Response:
    """Answer in Resend's shape."""
    return _answer(error.status, json.dumps(error.body()))
