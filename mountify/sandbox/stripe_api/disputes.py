"""Disputes: list, retrieve, close. They begin on the dashboard, as they begin at the buyer's bank."""

from flask import Blueprint

from mountify.sandbox import after_payment
from mountify.sandbox.context import the_sandbox
from mountify.sandbox.store import Doc
from mountify.sandbox.stripe_errors import StripeError
from mountify.sandbox.stripe_params import Params

from .endpoint import endpoint
from .listing import EXPAND, OF_A_PAYMENT, expanded, get, page_of_a_payment


def add_routes(bp: Blueprint) -> None:
    """Add the dispute routes."""
    bp.add_url_rule("/disputes", "list_disputes", _list, methods=["GET"])
    bp.add_url_rule("/disputes/<dispute_id>", "retrieve_dispute", _retrieve, methods=["GET"])
    bp.add_url_rule("/disputes/<dispute_id>/close", "close_dispute", _close, methods=["POST"])


@endpoint(OF_A_PAYMENT)
def _list(params: Params) -> Doc:
    return page_of_a_payment("dispute", "/v1/disputes", params)


@endpoint(EXPAND)
def _retrieve(params: Params, dispute_id: str) -> Doc:
    return expanded(get("dispute", dispute_id, "dispute"), params)


@endpoint(EXPAND)
def _close(params: Params, dispute_id: str) -> Doc:
    """Give in: the shop does not contest, and has lost."""
    dispute = get("dispute", dispute_id, "dispute")
    if dispute["status"] != "needs_response":
        raise StripeError(400, "This dispute is already closed.")
    return expanded(after_payment.close_dispute(the_sandbox(), dispute, won=False), params)
