"""The merchant's desk: pages for the office alone, before any view is asked."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_babel import gettext as _
from werkzeug.local import LocalProxy

from mountify.web.auth import require_staff

from . import categories, inventory, pictures, product_form

bp = Blueprint("admin", __name__, url_prefix="/admin")
for part in (inventory, product_form, pictures, categories):
    bp.register_blueprint(part.bp)


@bp.before_request
def let_the_office_in() -> None:
    require_staff()


@bp.context_processor
def on_every_page() -> dict[str, Any]:
    return {"rail": LocalProxy(_rail)}


def _rail() -> list[tuple[str, str, str, int]]:
    """What leads to each part: its blueprint, its icon, its title, and how much waits there."""
    return [
        ("inventory", "shelf", _("Inventory"), 0),
        ("categories", "filter", _("Categories"), 0),
    ]
