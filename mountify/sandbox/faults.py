"""Make a vendor misbehave: refuse, answer late, fail after acting, or act and then cut the connection."""

import socket
import sqlite3
import time
from collections.abc import Callable

from flask import Response, g, jsonify, request

from .context import the_sandbox
from .stripe_errors import StripeError
from .track17_errors import of_fault


def service_of(path: str) -> str | None:
    """Return which vendor a path belongs to."""
    if path.startswith("/v1/"):
        return "stripe"
    if path.startswith("/v1_1/") or "/image/upload/" in path:
        return "cloudinary"
    if path.startswith("/google/"):
        return "google"
    if path.startswith("/track/"):
        return "17track"
    return "resend" if path in ("/emails", "/domains") or path.startswith("/emails/") else None


def apply_before() -> Response | None:
    """Take the first fault that fits this request; refuse at once when it has a status and is not to act first."""
    g.fault = None
    service = service_of(request.path)
    if service is None:
        return None
    g.fault = fault = _take(service, request.method, request.path)
    if fault is None or fault["status"] is None or fault["after"]:
        return None
    pause()
    return _failure(fault)


def pause() -> None:
    """Wait as long as this request's fault says; vendor code calls it once the request is in progress."""
    fault = g.get("fault")
    if fault is not None and not g.get("paused"):
        g.paused = True
        time.sleep(fault["delay_s"])


def apply_after(response: Response) -> Response:
    """Lose the answer as the fault says: the work is committed, the caller sees an error or a dropped connection."""
    fault = g.get("fault")
    if fault is not None:
        pause()
        if fault["after"]:
            response = _failure(fault)
        if fault["cut"]:
            connection: socket.socket | None = request.environ.get("werkzeug.socket")
            if connection is not None:
                connection.shutdown(socket.SHUT_RDWR)
    return response


def _failure(fault: sqlite3.Row) -> Response:
    service, status = str(fault["service"]), int(fault["status"])
    response = jsonify(_BODIES[service](status))
    response.status_code = status
    if service == "resend" and status == 429:  # https://resend.com/docs/api-reference/rate-limit
        response.headers["Retry-After"] = "1"
    return response


def _take(service: str, method: str, path: str) -> sqlite3.Row | None:
    store = the_sandbox().store
    with store.transaction():
        found = store.rows(
            "SELECT * FROM faults WHERE service = ? AND substr(?, 1, length(path_prefix)) = path_prefix "
            "AND method IN ('', ?) AND times > 0 ORDER BY id LIMIT 1",
            (service, path, method),
        )
        if not found:
            return None
        store.change("UPDATE faults SET times = times - 1 WHERE id = ?", (found[0]["id"],))
        return found[0]


def _stripe_body(status: int) -> dict[str, object]:
    code = {402: "card_declined", 409: "idempotency_key_in_use", 429: "rate_limit"}.get(status)
    kind = {402: "card_error", 409: "idempotency_error"}.get(status, "invalid_request_error")
    kind = "api_error" if status >= 500 else kind
    return StripeError(status, "The sandbox was asked to fail here.", kind=kind, code=code).body()


def _resend_body(status: int) -> dict[str, object]:
    name = "internal_server_error" if status >= 500 else _RESEND_NAMES.get(status, "application_error")
    return {"statusCode": status, "name": name, "message": "The sandbox was asked to fail here."}


# https://resend.com/docs/api-reference/errors
_RESEND_NAMES = {
    400: "validation_error",
    401: "missing_api_key",
    403: "invalid_api_key",
    404: "not_found",
    409: "concurrent_idempotent_requests",
    422: "validation_error",
    429: "rate_limit_exceeded",
}


def _cloudinary_body(_status: int) -> dict[str, object]:
    return {"error": {"message": "The sandbox was asked to fail here."}}


def _google_body(status: int) -> dict[str, object]:
    error = "internal_failure" if status >= 500 else "rate_limit_exceeded" if status == 429 else "invalid_request"
    return {"error": error, "error_description": "The sandbox was asked to fail here."}


_BODIES: dict[str, Callable[[int], dict[str, object]]] = {
    "stripe": _stripe_body,
    "resend": _resend_body,
    "cloudinary": _cloudinary_body,
    "17track": of_fault,
    "google": _google_body,
}
SERVICES = tuple(_BODIES)
