"""What the office has to look at."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mountify.core.clock import utcnow
from mountify.services import attention

bp = Blueprint("attention", __name__, url_prefix="/attention")


@bp.get("")
def index() -> Response:
    return jsonify(attention.list_open(now=utcnow()).as_json())
