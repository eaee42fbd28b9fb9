"""The shop as JSON, on the same services as the pages. Names and types are a contract with older clients."""

from __future__ import annotations

from flask import Blueprint

from . import addresses, attention, cart, catalogue, checkout, orders

bp = Blueprint("api", __name__, url_prefix="/api")
for part in (catalogue, cart, checkout, orders, addresses, attention):
    bp.register_blueprint(part.bp)
