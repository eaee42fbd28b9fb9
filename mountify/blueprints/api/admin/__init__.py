"""The desk as JSON: 401 for guests, 403 for customers, before any view is asked."""

from __future__ import annotations

from flask import Blueprint

from mountify.web.auth import require_staff

from . import attention, categories, inventory, orders, pictures, products, shipping, stats

bp = Blueprint("admin", __name__, url_prefix="/admin")
for part in (attention, categories, inventory, orders, pictures, products, shipping, stats):
    bp.register_blueprint(part.bp)


@bp.before_request
def let_the_office_in() -> None:
    require_staff()
