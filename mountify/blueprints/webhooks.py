"""Deliveries from outside: verified, stored, answered. No session, no cookie, no Redis."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from mountify.services import webhooks
from mountify.web.gateways import gateways

bp = Blueprint("webhooks", __name__, url_prefix="/api/webhooks")

MOST_BYTES = 256 * 1024


@bp.post("/stripe")
def stripe() -> Response:
    request.max_content_length = MOST_BYTES
    webhooks.receive_stripe(
        request.get_data(cache=False), request.headers.get("Stripe-Signature"), payments=gateways().payments
    )
    return jsonify(received=True)
