"""Build payment intents and charges, with the fields Stripe answers."""

from dataclasses import dataclass

from .ids import new_id
from .store import Doc


@dataclass(frozen=True)
class Buyer:
    """What the hosted page asked of the buyer, checked."""

    email: str
    phone: str | None
    billing: Doc
    shipping: Doc | None
    shipping_rate: str | None


@dataclass(frozen=True)
class Method:
    """How the buyer pays; of a card no more than Stripe itself shows."""

    kind: str
    brand: str = ""
    last4: str = ""
    exp_month: int = 0
    exp_year: int = 0

    def details(self) -> Doc:
        """Return Stripe's payment_method_details."""
        if self.kind != "card":
            return {"type": self.kind, self.kind: {"last4": "6789"}}
        checks = dict.fromkeys(("address_line1_check", "address_postal_code_check", "cvc_check"), "pass")
        card = {
            **dict.fromkeys(_CARD_NULLS),
            "brand": self.brand,
            "checks": checks,
            "country": "US",
            "exp_month": self.exp_month,
            "exp_year": self.exp_year,
            "funding": "credit",
            "last4": self.last4,
            "network": self.brand,
        }
        return {"type": "card", "card": card}


_CARD_NULLS = ("fingerprint", "installments", "mandate", "network_transaction_id", "three_d_secure", "wallet")
_INTENT_NULL_NAMES = """
application application_fee_amount automatic_payment_methods canceled_at cancellation_reason client_secret customer
customer_account description excluded_payment_method_types last_payment_error latest_charge next_action on_behalf_of
payment_method payment_method_configuration_details payment_method_options processing receipt_email review
setup_future_usage shipping source statement_descriptor statement_descriptor_suffix transfer_data transfer_group
"""
_INTENT_NULLS = _INTENT_NULL_NAMES.split()
_FROM_SESSION = ("description", "receipt_email", "shipping", "statement_descriptor", "statement_descriptor_suffix")
_CHARGE_NULL_NAMES = """
application application_fee application_fee_amount balance_transaction customer failure_balance_transaction
failure_code failure_message on_behalf_of radar_options receipt_number receipt_url review source source_transfer
statement_descriptor statement_descriptor_suffix transfer_data transfer_group
"""
_CHARGE_NULLS = _CHARGE_NULL_NAMES.split()


def build_intent(session: Doc, now: int) -> Doc:
    """Return a payment intent that nobody has tried to pay yet."""
    data = session["_payment_intent_data"]
    return {
        **dict.fromkeys(_INTENT_NULLS),
        **{name: data.get(name) for name in _FROM_SESSION},
        "id": new_id("pi_3"),
        "object": "payment_intent",
        "amount": 0,
        "amount_capturable": 0,
        "amount_received": 0,
        "capture_method": data.get("capture_method", "automatic_async"),
        "confirmation_method": "automatic",
        "created": now,
        "currency": session["currency"],
        "livemode": False,
        "metadata": data.get("metadata", {}),
        "payment_method_types": session["payment_method_types"],
        "status": "requires_payment_method",
    }


def build_charge(intent: Doc, buyer: Buyer, method: Method, status: str, now: int) -> Doc:
    """Return the charge of one attempt: succeeded, pending or failed."""
    paid = status == "succeeded"
    return {
        **dict.fromkeys(_CHARGE_NULLS),
        "id": new_id("ch_3"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "billing_details": {**buyer.billing, "email": buyer.email, "phone": None, "tax_id": None},
        "calculated_statement_descriptor": "SANDBOX",
        "captured": paid,
        "created": now,
        "currency": intent["currency"],
        "description": intent["description"],
        "disputed": False,
        "fraud_details": {},
        "livemode": False,
        "metadata": intent["metadata"],
        "outcome": _outcome(status),
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": new_id("pm"),
        "payment_method_details": method.details(),
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "shipping": intent["shipping"],
        "status": status,
    }


def _outcome(status: str) -> Doc:
    declined = status == "failed"
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "declined_by_network" if declined else "approved_by_network",
        "reason": "generic_decline" if declined else None,
        "risk_level": "normal",
        "seller_message": "The bank declined the payment." if declined else "Payment complete.",
        "type": "issuer_declined" if declined else "authorized",
    }
