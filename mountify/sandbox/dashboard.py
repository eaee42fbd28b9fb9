"""The vendor's side of a sale: sessions and payments, with buttons to settle and refund."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from . import after_payment, checkout
from .context import the_sandbox
from .money import format_amount
from .store import Doc


def create_blueprint() -> Blueprint:
    """Put the dashboard together."""
    bp = Blueprint("dashboard", __name__)
    bp.add_url_rule("/", "home", _home)
    bp.add_url_rule("/dashboard", "index", _index)
    bp.add_url_rule("/dashboard/sessions/<session_id>/settlement", "settle", _settle, methods=["POST"])
    bp.add_url_rule("/dashboard/charges/<charge_id>/refunds", "refund", _refund, methods=["POST"])
    bp.add_url_rule("/dashboard/charges/<charge_id>/disputes", "dispute", _dispute, methods=["POST"])
    bp.add_url_rule("/dashboard/disputes/<dispute_id>/decision", "decide", _decide, methods=["POST"])
    return bp


def _home() -> str:
    store = the_sandbox().store
    counts = {row["kind"]: row["n"] for row in store.rows("SELECT kind, count(*) AS n FROM objects GROUP BY kind")}
    faults = store.rows("SELECT * FROM faults WHERE times > 0 ORDER BY id")
    return render_template("home.html", counts=counts, faults=faults, ahead_s=the_sandbox().clock.offset())


def _index() -> str:
    sandbox = the_sandbox()
    checkout.expire_due(sandbox)
    sales = [_sale(session) for session in sandbox.store.select(checkout.SESSION, limit=100)]
    deliveries = sandbox.webhooks["stripe"].listed()
    return render_template("dashboard.html", sales=sales, deliveries=deliveries)


def _sale(session: Doc) -> Doc:
    store = the_sandbox().store
    intent = store.find("payment_intent", session["payment_intent"] or "")
    charge = store.find("charge", (intent or {}).get("latest_charge") or "")
    details = session["customer_details"] or {}
    return {
        "session": session,
        "charge": charge,
        "email": details.get("email") or "",
        "settling": session["status"] == "complete" and intent is not None and intent["status"] == "processing",
        "refundable": after_payment.refundable(the_sandbox(), charge),
        "disputable": charge is not None and _is_disputable(charge),
        "dispute": after_payment.find_dispute(the_sandbox(), charge) if charge and charge["disputed"] else None,
    }


def _is_disputable(charge: Doc) -> bool:
    """Say whether the buyer's bank can take this money back: a card payment, not given back, the first time."""
    is_card = charge["payment_method_details"]["type"] == "card"
    return bool(is_card and charge["paid"] and not charge["refunded"] and not charge["disputed"])


def _settle(session_id: str) -> Response:
    sandbox = the_sandbox()
    succeeded = request.form.get("result") == "succeed"
    with sandbox.store.transaction():
        session = _get(checkout.SESSION, session_id)
        if checkout.settle(sandbox, session, succeeded=succeeded):
            flash("The bank debit has arrived." if succeeded else "The bank debit has failed.")
        else:
            flash("This payment is not under way.")
    return redirect(url_for("dashboard.index"), 303)


def _get(kind: str, doc_id: str) -> Doc:
    found = the_sandbox().store.find(kind, doc_id)
    if found is None:
        abort(404)
    return found


def _refund(charge_id: str) -> Response:
    sandbox = the_sandbox()
    with sandbox.store.transaction():
        charge = _get("charge", charge_id)
        left = after_payment.refundable(sandbox, charge)
        amount = request.form.get("amount", type=int)
        if amount is not None and 0 < amount <= left:
            after_payment.refund(sandbox, charge, amount, "requested_by_customer", {})
            flash(f"Refunded {format_amount(amount, charge['currency'])}.")
        else:
            flash(f"Nothing was refunded: at most {format_amount(left, charge['currency'])} is left on this payment.")
    return redirect(url_for("dashboard.index"), 303)


def _dispute(charge_id: str) -> Response:
    sandbox = the_sandbox()
    with sandbox.store.transaction():
        charge = _get("charge", charge_id)
        if _is_disputable(charge):
            after_payment.dispute(sandbox, charge)
            flash("The buyer's bank has taken the money back until somebody decides.")
        else:
            flash("This payment cannot be disputed.")
    return redirect(url_for("dashboard.index"), 303)


def _decide(dispute_id: str) -> Response:
    sandbox = the_sandbox()
    won = request.form.get("result") == "won"
    with sandbox.store.transaction():
        dispute = _get("dispute", dispute_id)
        if dispute["status"] == "needs_response":
            after_payment.close_dispute(sandbox, dispute, won=won)
            flash("The shop has won: the money is back." if won else "The shop has lost: the buyer keeps the money.")
        else:
            flash("This dispute is already closed.")
    return redirect(url_for("dashboard.index"), 303)
