"""Stripe's /v1, as far as one hosted payment needs it."""

from flask import Blueprint

from mountify.sandbox.stripe_errors import StripeError

from . import disputes, events, payments, refunds, sessions
from .endpoint import authenticate, with_stripe_error


def create_blueprint() -> Blueprint:
    """Put the /v1 routes together."""
    bp = Blueprint("stripe", __name__, url_prefix="/v1")
    bp.before_request(authenticate)
    bp.register_error_handler(StripeError, with_stripe_error)
    for module in (sessions, payments, refunds, disputes, events):
        module.add_routes(bp)
    return bp
