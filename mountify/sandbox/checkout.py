"""The life of a session: open, then paid, completed unpaid, or expired."""

from flask import g, has_request_context

from . import stripe_webhooks
from .context import Sandbox
from .payment_doc import Buyer, Method, build_charge, build_intent
from .session_doc import build_session
from .store import Doc
from .stripe_params import Params

SESSION = "checkout.session"


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
    charge = build_charge(intent, buyer, method, "failed", sandbox.clock.now())
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
    charge = build_charge(intent, buyer, method, "succeeded" if paid else "pending", sandbox.clock.now())
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
    intent: Doc = found or build_intent(session, sandbox.clock.now())
    intent["amount"] = session["amount_total"]
    if buyer.shipping is not None:
        intent["shipping"] = {**buyer.shipping, "carrier": None, "phone": buyer.phone, "tracking_number": None}
    session["payment_intent"] = intent["id"]
    return intent
