"""For machines: alive, and ready to sell."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mountify.services.readiness import is_ready

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> tuple[Response, int]:
    return (jsonify(status="ok"), 200) if is_ready() else (jsonify(status="database"), 503)
