"""Every line that a request logs carries the request's id, which the answer tells too, and who has asked from where."""

from __future__ import annotations

import re
import secrets

import structlog
from flask import Flask, Response, g, request

_ID = re.compile(r"[A-Za-z0-9-]{8,64}")


def init_request_ids(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id, client=request.remote_addr)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.get("request_id", "")
        if request.endpoint not in {"static", "health.alive", "assets.bundle"}:
            structlog.get_logger().info(
                "answered", method=request.method, endpoint=request.endpoint, status=response.status_code
            )
        return response
