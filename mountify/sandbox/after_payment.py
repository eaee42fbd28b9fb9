"""What can happen to money that has arrived: it is given back, or the buyer's bank takes it back for a while."""

from .checkout import emit
from .context import Sandbox
from .ids import new_id
from .store import Doc

_TO_ANSWER_S = 7 * 24 * 3600
_EVIDENCE_NAMES = """
access_activity_log appeal billing_address cancellation_policy cancellation_policy_disclosure cancellation_rebuttal
customer_communication customer_email_address customer_name customer_purchase_ip customer_signature
duplicate_charge_documentation duplicate_charge_explanation duplicate_charge_id product_description receipt
refund_policy refund_policy_disclosure refund_refusal_explanation service_date service_documentation shipping_address
shipping_carrier shipping_date shipping_documentation shipping_tracking_number uncategorized_file uncategorized_text
"""


def refund(sandbox: Sandbox, charge: Doc, amount: int, reason: str | None, metadata: dict[str, str]) -> Doc:
    """Give money back; the caller has checked the amount. Returns the refund as Stripe answers it at once."""
    doc: Doc = {
        "id": new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": sandbox.clock.now(),
        "currency": charge["currency"],
        "customer": None,
        "customer_account": None,
        "destination_details": _destination(charge["payment_method_details"]["type"]),
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    settled = {**doc, "destination_details": _arrived(doc["destination_details"])}
    sandbox.store.save(settled)
    sandbox.store.save(charge)
    emit(sandbox, "refund.created", doc)
    emit(sandbox, "charge.refunded", charge)
    emit(sandbox, "refund.updated", settled)
    return doc


def _destination(kind: str) -> Doc:
    card = {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"}
    return {"type": kind, "card": card} if kind == "card" else {"type": kind}


def _arrived(destination: Doc) -> Doc:
    """The bank has named its reference, which is what `refund.updated` tells."""
    if "card" not in destination:
        return destination
    return {
        **destination,
        "card": {**destination["card"], "reference": "74000000000000", "reference_status": "available"},
    }


def refundable(sandbox: Sandbox, charge: Doc | None) -> int:
    """Return how much of a charge can still be given back."""
    if charge is None or not charge["paid"] or is_charged_back(sandbox, charge):
        return 0
    return int(charge["amount"] - charge["amount_refunded"])


def find_dispute(sandbox: Sandbox, charge: Doc) -> Doc | None:
    """Return the dispute about a charge, if there is one."""
    found = sandbox.store.select("dispute", [("json_extract(doc, '$.charge') = ?", (charge["id"],))], 1)
    return found[0] if found else None


def is_charged_back(sandbox: Sandbox, charge: Doc) -> bool:
    """Say whether the buyer's bank holds the money."""
    dispute = find_dispute(sandbox, charge) if charge["disputed"] else None
    return dispute is not None and dispute["status"] != "won"


def dispute(sandbox: Sandbox, charge: Doc) -> Doc:
    """Let the buyer's bank take a card payment back; the caller has made sure that there is one."""
    now = sandbox.clock.now()
    brand = charge["payment_method_details"]["card"]["brand"]
    doc: Doc = {
        "id": new_id("du_1"),
        "object": "dispute",
        "amount": charge["amount"] - charge["amount_refunded"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(_EVIDENCE_NAMES.split()), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + _TO_ANSWER_S,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {"brand": brand, "case_type": "chargeback", "network": brand, "network_reason_code": "10.4"},
            "type": "card",
        },
        "reason": "fraudulent",
        "status": "needs_response",
    }
    charge["disputed"] = True
    sandbox.store.save(doc)
    sandbox.store.save(charge)
    emit(sandbox, "charge.dispute.created", doc)
    return doc


def close_dispute(sandbox: Sandbox, doc: Doc, *, won: bool) -> Doc:
    """Let the bank decide; the caller has made sure that it has not yet."""
    doc["status"] = "won" if won else "lost"
    sandbox.store.save(doc)
    emit(sandbox, "charge.dispute.closed", doc)
    return doc
