"""What the desk calls things: the lines of the audit log and of the ledger, reasons and statuses in words."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from mountify.models.catalogue import ProductStatus
from mountify.services.audit_log import Entry
from mountify.services.product_changes import OPENING
from mountify.services.stock_changes import Reason
from mountify.services.stock_table import Movement


def deed(entry: Entry) -> str:
    """Say who did what: "Ada: name Desk → Desks, price 14.00 → 12.00"."""
    who = entry.actor or (_("The terminal") if entry.actor_id is None else _("A closed account"))
    what = _verbs().get(entry.action, entry.action)
    changes = ", ".join(_change(name, *pair) for name, pair in entry.changes.items())
    return f"{who}: {what}" + (f", {changes}" if changes else "")


def why(movement: Movement) -> str:
    """Say why parts came or went."""
    if movement.order_number:
        said = _("Sold, order %(number)s") if movement.delta < 0 else _("Came back, order %(number)s")
        return said % {"number": movement.order_number}
    return {OPENING: _("There from the beginning"), **reasons()}.get(movement.reason, movement.reason)


def reasons() -> dict[str, str]:
    """Why parts come or go by hand."""
    return {
        Reason.RECEIVED: _("Received"),
        Reason.COUNTED: _("Counted anew"),
        Reason.DAMAGED: _("Damaged"),
        Reason.OTHER: _("Other"),
    }


def product_statuses() -> dict[str, str]:
    return {
        ProductStatus.DRAFT: _("Draft"),
        ProductStatus.PUBLISHED: _("On sale"),
        ProductStatus.ARCHIVED: _("Archived"),
    }


def _change(name: str, old: Any, new: Any) -> str:
    label = name.replace("_", " ").removesuffix(" id")
    return f"{label} {_shown(old)} → {_shown(new)}" if old not in (None, "") else f"{label} {_shown(new)}"


def _shown(value: Any) -> str:
    """Long texts are named by their beginning."""
    text = _("nothing") if value in (None, "") else str(value)
    return text if len(text) <= 80 else text[:80] + "…"


def _verbs() -> dict[str, str]:
    return {
        "category.added": _("added"),
        "category.changed": _("changed"),
        "category.moved": _("moved"),
        "category.deleted": _("deleted"),
        "product.added": _("added"),
        "product.copied": _("made as a copy"),
        "product.changed": _("changed"),
        "product.archived": _("archived"),
        "product.deleted": _("deleted"),
        "product.pictures_changed": _("changed the pictures"),
        "picture.uploaded": _("uploaded a picture"),
        "picture.deleted": _("deleted a picture"),
        "stock.changed": _("changed the stock"),
        "stock.level_set": _("changed when it counts as low"),
        "settings.changed": _("changed the settings"),
        "service.tested": _("made a test call"),
        "order.shipped": _("shipped it"),
        "order.tracking_corrected": _("corrected the tracking number"),
        "order.note_added": _("added a note"),
        "order.delivered": _("marked as delivered"),
        "order.cancel_asked": _("asked to cancel"),
        "order.refund_asked": _("asked for a refund"),
        "order.mail_sent_again": _("sent an email again"),
        "signed_in": _("signed in"),
        "account.role_changed": _("changed the role"),
        "account.disabled": _("disabled the account"),
        "account.enabled": _("enabled the account"),
        "account.signed_out": _("ended every sign-in"),
    }
