"""The mailbox: what the shop sent, to read and for tests to look into."""

import json
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request

from .context import the_sandbox
from .store import Doc

_LISTED = ("id", "to", "from", "subject", "html", "text", "headers", "tags", "idempotency_key", "created_at")
# The mail may style itself and show pictures; it runs no script, and its links open in the whole window.
_FRAME = "allow-popups allow-top-navigation-by-user-activation"
_MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src http: https: data:; form-action 'none'; "
    f"frame-ancestors 'self'; sandbox {_FRAME}"
)


def create_blueprint() -> Blueprint:
    """Put the mailbox pages together."""
    bp = Blueprint("mailbox", __name__)
    bp.add_url_rule("/mailbox", "index", _index)
    bp.add_url_rule("/mailbox.json", "listing", _listing)
    bp.add_url_rule("/mailbox/<email_id>", "show", _show)
    bp.add_url_rule("/mailbox/<email_id>/html", "html", _html)
    return bp


def _index() -> str:
    return render_template("mailbox.html", emails=_delivered(limit=200))


def _listing() -> Response:
    emails = _delivered(request.args.get("with", ""))
    return jsonify([{name: email[name] for name in _LISTED} for email in emails])


def _delivered(words: str = "", limit: int = -1) -> list[Doc]:
    """Return what has arrived, newest first: neither what waits for its time nor what was taken back.

    With `words`, only where they stand somewhere, in the addresses too.
    """
    now = the_sandbox().clock.now()
    due = [
        ("coalesce(json_extract(doc, '$.send_at'), 0) <= ?", (now,)),
        ("json_extract(doc, '$.canceled') IS NULL", ()),
        ("instr(doc, ?) > 0", (json.dumps(words)[1:-1],)),
    ]
    return the_sandbox().store.select("email", due, limit)


def _show(email_id: str) -> str:
    email = _email(email_id)
    return render_template("email.html", email=email, facts=_facts(email), frame=_FRAME)


def _html(email_id: str) -> Response:
    email = _email(email_id)
    if not email["html"]:
        abort(404)
    response = Response(f'<base target="_top">{email["html"]}', mimetype="text/html")
    response.headers["Content-Security-Policy"] = _MAIL_POLICY
    return response


def _facts(email: Doc) -> list[tuple[str, Any]]:
    facts = [("From", email["from"]), ("To", ", ".join(email["to"]))]
    for label, name in (("Cc", "cc"), ("Bcc", "bcc"), ("Reply to", "reply_to")):
        if email[name]:
            facts.append((label, ", ".join(email[name])))
    facts += [("Sent", email["created_at"][:19].replace("T", " ") + " UTC"), ("Id", email["id"])]
    if email["idempotency_key"]:
        facts.append(("Idempotency key", email["idempotency_key"]))
    facts += [(f"Header {name}", text) for name, text in email["headers"].items()]
    return facts + [(f"Tag {tag['name']}", tag["value"]) for tag in email["tags"]]


def _email(email_id: str) -> Doc:
    found = the_sandbox().store.find("email", email_id)
    if found is None:
        abort(404)
    return found
