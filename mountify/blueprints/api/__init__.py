"""The shop as JSON, on the same services as the pages. Names and types are a contract with older clients."""

from __future__ import annotations

from flask import Blueprint

from . import addresses, admin, auth, cart, catalogue, checkout, orders, profile

bp = Blueprint("api", __name__, url_prefix="/api")
for part in (catalogue, cart, checkout, orders, auth, profile, addresses, admin):
    bp.register_blueprint(part.bp)
