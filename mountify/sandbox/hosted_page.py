"""Stripe's hosted payment page: a plain form that works without JavaScript."""

import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from . import checkout
from .context import the_sandbox
from .countries import COUNTRIES
from .hosted_form import Errors, Values, asked_by, example, read
from .payment_doc import Buyer, Method
from .store import Doc

_DECLINES = {
    "4000000000000002": ("generic_decline", "Your card was declined. Try another card."),
    "4000000000009995": ("insufficient_funds", "Your card has insufficient funds. Try another card."),
}
_CONFIRMS = "4000002760003184"
_NOT_CONFIRMED = "We could not confirm this payment with your bank. Choose another card and try again."


def create_blueprint() -> Blueprint:
    """Put the payment page together."""
    bp = Blueprint("hosted", __name__, url_prefix="/pay")
    bp.add_url_rule("/<session_id>", "show", _show, methods=["GET"])
    bp.add_url_rule("/<session_id>", "pay", _pay, methods=["POST"])
    bp.add_url_rule("/<session_id>/confirm", "confirm", _confirm, methods=["GET"])
    bp.add_url_rule("/<session_id>/confirm", "confirmed", _confirmed, methods=["POST"])
    return bp


def _show(session_id: str) -> Response:
    session = _session(session_id)
    if session["status"] != "open":
        return _closed(session)
    return _page(session, example(session, the_sandbox().clock.now()), {})


def _pay(session_id: str) -> BaseResponse:
    sandbox = the_sandbox()
    form = {name: str(value) for name, value in request.form.items()}
    with sandbox.store.transaction():
        session = _session(session_id)
        attempt = form.get("attempt", "")
        if session["status"] != "open":
            return _repeated(session, attempt)
        buyer, method, errors = read(session, form, sandbox.clock.now())
        if buyer is None or method is None:
            return _page(session, form, errors, 422)
        number = re.sub(r"\D", "", form.get("card_number", "")) if method.kind == "card" else ""
        if number in _DECLINES:
            code, sentence = _DECLINES[number]
            checkout.decline(sandbox, session, buyer, method, code, sentence)
            return _page(session, form, {"card_number": sentence}, 402)
        if number == _CONFIRMS:
            checkout.ask_confirmation(sandbox, session, buyer, method, attempt)
            return redirect(url_for("hosted.confirm", session_id=session_id), 303)
        checkout.complete(sandbox, session, buyer, method, attempt)
    return _to_shop(session)


def _confirm(session_id: str) -> BaseResponse:
    session = _session(session_id)
    if session["status"] != "open":
        return _closed(session)
    if "_pending" not in session:
        return redirect(url_for("hosted.show", session_id=session_id), 303)
    _allow_form_to(session)
    return make_response(render_template("confirm.html", session=session))


def _confirmed(session_id: str) -> BaseResponse:
    sandbox = the_sandbox()
    with sandbox.store.transaction():
        session = _session(session_id)
        pending = session.get("_pending")
        if session["status"] != "open":
            return _repeated(session, request.form.get("attempt", ""))
        if pending is None:
            return redirect(url_for("hosted.show", session_id=session_id), 303)
        buyer, method = Buyer(**pending["buyer"]), Method(**pending["method"])
        if request.form.get("result") != "complete":
            checkout.decline(sandbox, session, buyer, method, "authentication_required", _NOT_CONFIRMED)
            return _page(session, _typed_before(session, buyer), {"card_number": _NOT_CONFIRMED}, 402)
        checkout.complete(sandbox, session, buyer, method, pending["attempt"])
    return _to_shop(session)


def _session(session_id: str) -> Doc:
    sandbox = the_sandbox()
    checkout.expire_due(sandbox)
    session = sandbox.store.find(checkout.SESSION, session_id)
    if session is None:
        abort(404)
    return session


def _page(session: Doc, values: Values, errors: Errors, status: int = 200) -> Response:
    asked = asked_by(session)
    html = render_template(
        "pay.html",
        session=session,
        values=values,
        errors=errors,
        asked=asked,
        rates=_rates(session),
        shipping_countries={code: COUNTRIES[code] for code in asked.countries},
        countries=COUNTRIES,
        attempt=secrets.token_urlsafe(12),
    )
    _allow_form_to(session)
    return make_response(html, status)


def _rates(session: Doc) -> list[dict[str, Any]]:
    store = the_sandbox().store
    listed = []
    for option in session["shipping_options"]:
        rate = store.find("shipping_rate", option["shipping_rate"]) or {}
        listed.append({"id": option["shipping_rate"], "amount": option["shipping_amount"], **_worded(rate)})
    return listed


def _worded(rate: Doc) -> dict[str, str]:
    estimate = rate.get("delivery_estimate") or {}
    bounds = [bound for bound in (estimate.get("minimum"), estimate.get("maximum")) if bound]
    numbers = " to ".join(dict.fromkeys(str(bound["value"]) for bound in bounds))
    units = f" {bounds[-1]['unit'].replace('_', ' ')}s" if bounds else ""
    return {"name": rate.get("display_name", ""), "estimate": numbers + units}


def _typed_before(session: Doc, buyer: Buyer) -> Values:
    """Return the form as it was before the confirmation page; of the card nothing was kept."""
    values = {
        **example(session, the_sandbox().clock.now()),
        "email": buyer.email,
        "phone": buyer.phone or "",
        "card_number": "",
        "card_cvc": "",
    }
    for prefix, part in (("shipping", buyer.shipping), ("billing", buyer.billing)):
        if part is not None:
            values[f"{prefix}_name"] = part["name"]
            values.update({f"{prefix}_{name}": value or "" for name, value in part["address"].items()})
    values["billing_same"] = "1" if buyer.shipping == buyer.billing else ""
    values["shipping_rate"] = buyer.shipping_rate or ""
    return values


def _repeated(session: Doc, attempt: str) -> BaseResponse:
    """Answer a second submit of the same page like the first: it paid once."""
    if attempt and session.get("_attempt") == attempt:
        return _to_shop(session)
    return _closed(session, 409)


def _closed(session: Doc, status: int = 200) -> Response:
    expired = session["status"] == "expired"
    html = render_template("closed.html", session=session, success_url=_success_url(session))
    return make_response(html, 410 if expired else status)


def _to_shop(session: Doc) -> BaseResponse:
    return redirect(_success_url(session), 303)


def _success_url(session: Doc) -> str:
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def _allow_form_to(session: Doc) -> None:
    """Let the form's redirect reach the shop: browsers hold redirects to form-action too."""
    parts = urlsplit(session["success_url"])
    g.form_action = f"{parts.scheme}://{parts.netloc}"
