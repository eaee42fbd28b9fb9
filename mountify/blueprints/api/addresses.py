"""The address book of the account that is signed in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, make_response

from mountify.core.clock import utcnow
from mountify.forms.address import AddressForm
from mountify.models.account import Address
from mountify.services import addresses
from mountify.web.auth import require_identity

from .body import json_object

bp = Blueprint("addresses", __name__, url_prefix="/user/addresses")


@bp.get("")
def index() -> Response:
    return jsonify(addresses=[_show(address) for address in addresses.list_for_user(require_identity().id)])


@bp.post("")
def add() -> Response:
    who, form = require_identity(), _read()
    address = addresses.add(who.id, form.entry, is_default=form.is_default.data, now=utcnow())
    return make_response(jsonify(address=_show(address)), 201)


@bp.put("/<id:address_id>")
def change(address_id: int) -> Response:
    who = require_identity()
    addresses.get_for_user(who.id, address_id)
    form = _read()
    address = addresses.change(who.id, address_id, form.entry, is_default=form.is_default.data, now=utcnow())
    return jsonify(address=_show(address))


@bp.delete("/<id:address_id>")
def delete(address_id: int) -> Response:
    addresses.delete(require_identity().id, address_id)
    return jsonify(success=True, deleted=address_id)


def _read() -> AddressForm:
    """Read the body; null is how some clients leave something out."""
    return AddressForm.from_json({name: value for name, value in json_object().items() if value is not None})


def _show(address: Address) -> dict[str, Any]:
    return {
        "id": address.id,
        "name": address.name,
        "line1": address.line1,
        "line2": address.line2 or None,
        "city": address.city,
        "state": address.state or None,
        "postalCode": address.postal_code,
        "country": address.country,
        "phone": address.phone or None,
        "isDefault": address.is_default,
        "createdAt": address.created_at.isoformat(),
    }
