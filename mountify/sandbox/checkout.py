"""The life of a session: open, then paid, completed unpaid, or expired; and what is refunded."""

from dataclasses import dataclass

from flask import g, has_request_context

from . import stripe_webhooks
from .context import Sandbox
from .ids import new_id
from .session_doc import build_session
from .store import Doc
from .stripe_params import Params

SESSION = "checkout.session"


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

    def details(self) -> Doc:
        """Return Stripe's payment_method_details."""
        if self.kind == "card":
            return {"type": "card", "card": {"brand": self.brand, "last4": self.last4, "funding": "credit"}}
        return {"type": self.kind, self.kind: {"last4": "6789"}}


def create(sandbox: Sandbox, params: Params) -> Doc:
    """Open a session for checked parameters."""
    session, related = build_session(params, sandbox.clock.now(), sandbox.public_url)
    for doc in related:
        sandbox.store.save(doc)
    sandbox.store.save(session)
    return session


def expire(sandbox: Sandbox, session: Doc) -> Doc:
    """Close an open session: nobody can pay it any more."""
    with sandbox.store.transaction():
        session.update(status="expired", url=None)
        session.pop("_pending", None)
        sandbox.store.save(session)
        intent = sandbox.store.find("payment_intent", session["payment_intent"] or "")
        if intent is not None:
            intent.update(status="canceled", canceled_at=sandbox.clock.now(), cancellation_reason="automatic")
            sandbox.store.save(intent)
        emit(sandbox, "checkout.session.expired", session)
    return session


def expire_due(sandbox: Sandbox) -> None:
    """Close every open session whose time is over."""
    due = [
        ("json_extract(doc, '$.status') = 'open'", ()),
        ("json_extract(doc, '$.expires_at') <= ?", (sandbox.clock.now(),)),
    ]
    if sandbox.store.select(SESSION, due, 1):
        with sandbox.store.transaction():
            for session in sandbox.store.select(SESSION, due, oldest_first=True):
                expire(sandbox, session)


def choose_shipping(session: Doc, rate: str | None) -> None:
    """Set the buyer's delivery option and the totals that follow from it."""
    for option in session["shipping_options"]:
        if option["shipping_rate"] == rate:
            amount = option["shipping_amount"]
            session["shipping_cost"].update(amount_subtotal=amount, amount_total=amount, shipping_rate=rate)
            session["total_details"]["amount_shipping"] = amount
            session["amount_total"] = session["amount_subtotal"] + amount


def decline(sandbox: Sandbox, session: Doc, buyer: Buyer, method: Method, code: str, message: str) -> None:
    """Record a refused card: the session stays open, its payment intent tells why."""
    choose_shipping(session, buyer.shipping_rate)
    intent = _intent(sandbox, session, buyer)
    charge = _charge(sandbox, intent, buyer.billing, buyer.email, method, "failed")
    charge.update(failure_code="card_declined", failure_message=message)
    error = {"type": "card_error", "code": "card_declined", "decline_code": code, "message": message}
    intent.update(status="requires_payment_method", latest_charge=charge["id"], last_payment_error=error)
    session.pop("_pending", None)
    for doc in (charge, intent, session):
        sandbox.store.save(doc)


def ask_confirmation(sandbox: Sandbox, session: Doc, buyer: Buyer, method: Method, attempt: str) -> None:
    """Keep what was typed while the bank asks the buyer to confirm."""
    choose_shipping(session, buyer.shipping_rate)
    intent = _intent(sandbox, session, buyer)
    intent["status"] = "requires_action"
    session["_pending"] = {"buyer": vars(buyer), "method": vars(method), "attempt": attempt}
    sandbox.store.save(intent)
    sandbox.store.save(session)


def complete(sandbox: Sandbox, session: Doc, buyer: Buyer, method: Method, attempt: str) -> None:
    """Complete a session: a card pays now, a bank debit is under way."""
    paid = method.kind == "card"
    choose_shipping(session, buyer.shipping_rate)
    intent = _intent(sandbox, session, buyer)
    charge = _charge(sandbox, intent, buyer.billing, buyer.email, method, "succeeded" if paid else "pending")
    intent.update(
        latest_charge=charge["id"],
        last_payment_error=None,
        status="succeeded" if paid else "processing",
        amount_received=intent["amount"] if paid else 0,
        payment_method=charge["payment_method"],
    )
    session.pop("_pending", None)
    session.update(status="complete", payment_status="paid" if paid else "unpaid", url=None, _attempt=attempt)
    session["customer_details"] = {
        "address": buyer.billing["address"],
        "business_name": None,
        "email": buyer.email,
        "individual_name": None,
        "name": buyer.billing["name"],
        "phone": buyer.phone,
        "tax_exempt": "none",
        "tax_ids": [],
    }
    if buyer.shipping is not None:
        session["collected_information"]["shipping_details"] = buyer.shipping
    for doc in (charge, intent, session):
        sandbox.store.save(doc)
    emit(sandbox, "checkout.session.completed", session)


def settle(sandbox: Sandbox, session: Doc, *, succeeded: bool) -> bool:
    """Let a bank debit that is under way succeed or fail; says whether there was one."""
    intent = sandbox.store.find("payment_intent", session["payment_intent"] or "")
    if session["status"] != "complete" or intent is None or intent["status"] != "processing":
        return False
    charge = sandbox.store.find("charge", intent["latest_charge"]) or {}
    if succeeded:
        session["payment_status"] = "paid"
        intent.update(status="succeeded", amount_received=intent["amount"])
        charge.update(status="succeeded", paid=True, captured=True, amount_captured=charge["amount"])
    else:
        message = "The customer's bank account has insufficient funds."
        intent.update(
            status="requires_payment_method",
            last_payment_error={"type": "card_error", "code": "insufficient_funds", "message": message},
        )
        charge.update(status="failed", failure_code="insufficient_funds", failure_message=message)
    for doc in (charge, intent, session):
        sandbox.store.save(doc)
    emit(sandbox, f"checkout.session.async_payment_{'succeeded' if succeeded else 'failed'}", session)
    return True


def refund(sandbox: Sandbox, charge: Doc, amount: int, reason: str | None, metadata: dict[str, str]) -> Doc:
    """Give money back; the caller has checked the amount."""
    doc: Doc = {
        "id": new_id("re_3"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": sandbox.clock.now(),
        "currency": charge["currency"],
        "destination_details": {"type": charge["payment_method_details"]["type"]},
        "metadata": metadata,
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    sandbox.store.save(doc)
    sandbox.store.save(charge)
    emit(sandbox, "charge.refunded", charge)
    emit(sandbox, "refund.updated", doc)
    return doc


def emit(sandbox: Sandbox, event_type: str, doc: Doc) -> None:
    """Store an event with the object as it is now; the delivery thread brings it to the shop."""
    in_request = has_request_context()
    event = stripe_webhooks.new_event(
        event_type,
        {key: value for key, value in doc.items() if not key.startswith("_")},
        created=sandbox.clock.now(),
        idempotency_key=g.get("idempotency_key") if in_request else None,
        request_id=g.get("request_id") if in_request else None,
    )
    sandbox.webhooks["stripe"].record(event)


def _intent(sandbox: Sandbox, session: Doc, buyer: Buyer) -> Doc:
    """Return the session's payment intent; Stripe makes it when the buyer first tries to pay."""
    found = sandbox.store.find("payment_intent", session["payment_intent"] or "")
    data = session["_payment_intent_data"]
    intent: Doc = found or {
        "id": new_id("pi_3"),
        "object": "payment_intent",
        "amount": 0,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": data.get("capture_method", "automatic_async"),
        "client_secret": None,
        "confirmation_method": "automatic",
        "created": sandbox.clock.now(),
        "currency": session["currency"],
        "customer": None,
        "description": data.get("description"),
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": data.get("metadata", {}),
        "next_action": None,
        "payment_method": None,
        "payment_method_types": session["payment_method_types"],
        "processing": None,
        "receipt_email": data.get("receipt_email"),
        "setup_future_usage": None,
        "shipping": data.get("shipping"),
        "statement_descriptor": data.get("statement_descriptor"),
        "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
    }
    intent["amount"] = session["amount_total"]
    if buyer.shipping is not None:
        intent["shipping"] = {**buyer.shipping, "carrier": None, "phone": buyer.phone, "tracking_number": None}
    session["payment_intent"] = intent["id"]
    return intent


def _charge(sandbox: Sandbox, intent: Doc, billing: Doc, email: str, method: Method, status: str) -> Doc:
    paid = status == "succeeded"
    return {
        "id": new_id("ch_3"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if paid else 0,
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {**billing, "email": email, "phone": None},
        "captured": paid,
        "created": sandbox.clock.now(),
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": paid,
        "payment_intent": intent["id"],
        "payment_method": new_id("pm"),
        "payment_method_details": method.details(),
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "shipping": intent["shipping"],
        "status": status,
    }
