"""Refunds: create (never more than was charged), retrieve, list."""

from flask import Blueprint

from mountify.sandbox import after_payment
from mountify.sandbox.context import the_sandbox
from mountify.sandbox.money import format_amount
from mountify.sandbox.store import Doc
from mountify.sandbox.stripe_currencies import refuse_fractions
from mountify.sandbox.stripe_errors import ParamError, StripeError
from mountify.sandbox.stripe_params import Choice, Email, Integer, Metadata, Params, Text, Unsupported

from .endpoint import endpoint
from .listing import BY_PAYMENT, EXPAND, OF_A_PAYMENT, expanded, get, page_of_a_payment

_CREATE = {
    **EXPAND,
    "amount": Integer(1),
    "charge": Text(),
    "currency": Unsupported(),
    "customer": Unsupported(),
    "instructions_email": Email(),
    "metadata": Metadata(),
    "origin": Unsupported(),
    "payment_intent": Text(),
    "reason": Choice(("duplicate", "fraudulent", "requested_by_customer")),
    "refund_application_fee": Unsupported(("false",)),
    "reverse_transfer": Unsupported(("false",)),
}


def add_routes(bp: Blueprint) -> None:
    """Add the refund routes."""
    bp.add_url_rule("/refunds", "create_refund", _create, methods=["POST"])
    bp.add_url_rule("/refunds", "list_refunds", _list, methods=["GET"])
    bp.add_url_rule("/refunds/<refund_id>", "retrieve_refund", _retrieve, methods=["GET"])


@endpoint(_CREATE)
def _create(params: Params) -> Doc:
    charge = _charge_to_refund(params)
    if after_payment.is_charged_back(the_sandbox(), charge):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise StripeError(400, message, code="charge_disputed")
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        raise StripeError(400, f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    amount = params.get("amount", left)
    refuse_fractions(amount, charge["currency"], "amount")
    if amount > left:
        asked, there = format_amount(amount, charge["currency"]), format_amount(left, charge["currency"])
        what = "unrefunded amount on charge" if charge["amount_refunded"] else "charge amount"
        raise StripeError(400, f"Refund amount ({asked}) is greater than {what} ({there})", param="amount")
    made = after_payment.refund(the_sandbox(), charge, amount, params.get("reason"), params.get("metadata", {}))
    return expanded(made, params)


def _charge_to_refund(params: Params) -> Doc:
    if "charge" in params:
        charge = get("charge", params["charge"], "id")
        if params.get("payment_intent", charge["payment_intent"]) != charge["payment_intent"]:
            raise ParamError("The payment_intent given does not belong to the charge given.", "payment_intent")
    elif "payment_intent" in params:
        intent = get("payment_intent", params["payment_intent"], "payment_intent")
        if intent["latest_charge"] is None:
            raise _nothing_to_refund(intent["id"])
        charge = get("charge", intent["latest_charge"], "charge")
    else:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise StripeError(400, message, stored=False)
    if not charge["paid"]:
        raise _nothing_to_refund(charge["payment_intent"])
    return charge


def _nothing_to_refund(intent_id: str) -> StripeError:
    message = f"This PaymentIntent ({intent_id}) does not have a successful charge to refund."
    return StripeError(400, message, code="payment_intent_unexpected_state", param="payment_intent")


@endpoint(EXPAND)
def _retrieve(params: Params, refund_id: str) -> Doc:
    return expanded(get("refund", refund_id, "refund"), params)


@endpoint(OF_A_PAYMENT)
def _list(params: Params) -> Doc:
    for name in BY_PAYMENT:
        if name in params:
            get(name, params[name], name)
    return page_of_a_payment("refund", "/v1/refunds", params)
