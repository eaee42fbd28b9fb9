"""The address book of the account that is signed in."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.accounts import AddressBookFull, AddressTwice
from mountify.forms.address import AddressForm
from mountify.services import addresses
from mountify.web.answers import done, page
from mountify.web.auth import require_identity
from mountify.web.frame import frame

bp = Blueprint("addresses", __name__, url_prefix="/settings/addresses")


@bp.get("")
def index() -> Response:
    return _index(AddressForm(country=next(iter(frame().shop.countries), "")))


@bp.post("")
def add() -> Response:
    who, form = require_identity(), AddressForm()
    if not form.validate():
        return _index(form, status=422)
    try:
        addresses.add(who.id, form.entry, is_default=form.is_default.data, now=utcnow())
    except AddressBookFull as error:
        form.form_errors.append(_(error.message_id, **error.params))
        return _index(form, status=409)
    return done(_("The address is saved."), to=url_for(".index"))


@bp.get("/<id:address_id>")
def edit(address_id: int) -> Response:
    address = addresses.get_for_user(require_identity().id, address_id)
    return page("addresses/edit.html", block="form", address=address, form=AddressForm.of(address))


@bp.post("/<id:address_id>")
def save(address_id: int) -> Response:
    who, form = require_identity(), AddressForm()
    address = addresses.get_for_user(who.id, address_id)
    if not form.validate():
        return page("addresses/edit.html", block="form", status=422, address=address, form=form)
    try:
        addresses.change(who.id, address_id, form.entry, is_default=form.is_default.data, now=utcnow())
    except AddressTwice as error:
        form.line1.errors = [_(error.message_id)]
        return page("addresses/edit.html", block="form", status=409, address=address, form=form)
    return done(_("The address is saved."), to=url_for(".index"))


@bp.post("/<id:address_id>/default")
def make_default(address_id: int) -> Response:
    address = addresses.make_default(require_identity().id, address_id)
    return done(_("%(line1)s is your default address now.", line1=address.line1), to=url_for(".index"))


@bp.post("/<id:address_id>/removal")
def remove(address_id: int) -> Response:
    addresses.delete(require_identity().id, address_id)
    return done(_("The address is deleted."), to=url_for(".index"))


def _index(form: AddressForm, *, status: int = 200) -> Response:
    book = addresses.list_for_user(require_identity().id)
    return page("addresses/index.html", block="form", status=status, addresses=book, form=form)
