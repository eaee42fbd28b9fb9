"""For machines: alive, and ready to sell."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mountify.core.clock import utcnow
from mountify.services.readiness import find_trouble

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> tuple[Response, int]:
    """Red when the database does not answer, no worker lives, or for a minute nothing of what is due is worked on."""
    trouble = find_trouble(now=utcnow())
    return (jsonify(status="ok"), 200) if trouble is None else (jsonify(status=trouble), 503)
