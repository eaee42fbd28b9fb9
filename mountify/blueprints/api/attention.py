"""What the office has to look at."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from mountify.core.clock import utcnow
from mountify.services import attention
from mountify.web.auth import require_staff

bp = Blueprint("attention", __name__, url_prefix="/admin/attention")


@bp.get("")
def index() -> Response:
    require_staff()
    return jsonify(attention.list_open(now=utcnow()).as_json())
