"""Deliveries from outside: verified, stored, answered. No session, no cookie, no Redis."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from mountify.core.clock import utcnow
from mountify.services import webhooks
from mountify.web.gateways import gateways

bp = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")

MOST_BYTES = 256 * 1024


@bp.post("/stripe")
def stripe() -> Response:
    request.max_content_length = MOST_BYTES + 1  # what comes in chunks is cut off there without a word
    payload = request.get_data(cache=False)
    if len(payload) > MOST_BYTES:
        raise RequestEntityTooLarge
    signature = request.headers.get("Stripe-Signature")
    webhooks.receive_stripe(payload, signature, payments=gateways().payments, now=utcnow())
    return jsonify(received=True)
