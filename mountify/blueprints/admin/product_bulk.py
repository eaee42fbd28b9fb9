"""Many of the desk's products changed at once, and their prices put back."""

from __future__ import annotations

from flask import Blueprint, Response
from flask_babel import gettext as _
from flask_babel import ngettext

from mountify.core.clock import utcnow
from mountify.core.errors import PricesOutOfReach, UnknownCategory
from mountify.forms.product_table import CategoryOfManyForm, PricesForm, StatusOfManyForm
from mountify.services import product_bulk
from mountify.web.answers import done
from mountify.web.auth import actor, settings

from .product_view import View, show_table

bp = Blueprint("product_bulk", __name__, url_prefix="/products")


@bp.post("/prices")
def change_prices() -> Response:
    form, currency = PricesForm(), settings().currency
    if not form.validate():
        return show_table(form, status=422)
    try:
        change = product_bulk.change_prices(actor(), form.ids, form.reprice(currency), currency=currency, now=utcnow())
    except PricesOutOfReach as error:
        form.refuse("by", error)
        return show_table(form, status=error.status)
    if change is None:
        return done(_("That is too little to change any of these prices."), to=View.of_request().url(), kind="warn")
    return done(None, to=View.of_request().url(changed=change))


@bp.post("/prices/<id:change_id>/undo")
def undo(change_id: int) -> Response:
    count, left = product_bulk.undo(actor(), change_id, currency=settings().currency, now=utcnow())
    said = ngettext("%(num)s price is back.", "%(num)s prices are back.", count)
    if left:
        said += " " + _("Changed since, so left as they are: %(names)s.", names=", ".join(left))
    return done(said, to=View.of_request().url(), kind="warn" if left else "ok")


@bp.post("/category")
def set_category() -> Response:
    form = CategoryOfManyForm()
    if not form.validate():
        return show_table(form, status=422)
    try:
        count = _change_all(form.ids, form.values)
    except UnknownCategory as error:
        form.refuse("category", error)
        return show_table(form, status=error.status)
    return _changed(count)


@bp.post("/status")
def set_status() -> Response:
    form = StatusOfManyForm()
    if not form.validate():
        return show_table(form, status=422)
    return _changed(_change_all(form.ids, form.values))


def _change_all(ids: set[int], values: dict[str, object]) -> int:
    return product_bulk.change_all(actor(), ids, values, currency=settings().currency, now=utcnow())


def _changed(count: int) -> Response:
    return done(ngettext("%(num)s part is changed.", "%(num)s parts are changed.", count), to=View.of_request().url())
