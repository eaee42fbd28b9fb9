"""The merchant's desk: pages for the office alone, before any view is asked."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g
from flask_babel import gettext as _
from werkzeug.local import LocalProxy

from mountify.models.account import Role
from mountify.services.shipping import count_to_ship
from mountify.web.auth import require_staff

from . import categories, dashboard, inventory, orders, pictures, product_form, products, settings, shipping

bp = Blueprint("admin", __name__, url_prefix="/admin")
for part in (dashboard, orders, shipping, products, product_form, pictures, inventory, categories, settings):
    bp.register_blueprint(part.bp)


@bp.before_request
def let_the_office_in() -> None:
    require_staff()


@bp.context_processor
def on_every_page() -> dict[str, Any]:
    return {"rail": LocalProxy(_rail)}


def _rail() -> list[tuple[str, str, str, int]]:
    """What leads to each part: its blueprint, its icon, its title, and how much waits there. Read once a request."""
    if "rail" not in g:
        g.rail = [
            ("dashboard", "grid", _("Dashboard"), 0),
            ("orders", "cart", _("Orders"), 0),
            ("shipping", "truck", _("Shipping"), count_to_ship()),
            ("products", "tag", _("Products"), 0),
            ("inventory", "shelf", _("Inventory"), 0),
            ("categories", "filter", _("Categories"), 0),
        ]
        if require_staff().role is Role.ADMIN:
            g.rail.append(("settings", "caliper", _("Settings"), 0))
    return list(g.rail)
