"""Payment intents and charges: retrieve."""

from flask import Blueprint

from mountify.sandbox.store import Doc
from mountify.sandbox.stripe_params import Params, Unsupported

from .endpoint import endpoint
from .listing import EXPAND, expanded, get


def add_routes(bp: Blueprint) -> None:
    """Add the payment routes."""
    bp.add_url_rule("/payment_intents/<intent_id>", "retrieve_payment_intent", _retrieve_intent, methods=["GET"])
    bp.add_url_rule("/charges/<charge_id>", "retrieve_charge", _retrieve_charge, methods=["GET"])


@endpoint({**EXPAND, "client_secret": Unsupported()})
def _retrieve_intent(params: Params, intent_id: str) -> Doc:
    return expanded(get("payment_intent", intent_id, "intent"), params)


@endpoint(EXPAND)
def _retrieve_charge(params: Params, charge_id: str) -> Doc:
    return expanded(get("charge", charge_id, "id"), params)
