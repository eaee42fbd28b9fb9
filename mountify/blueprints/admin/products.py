"""The desk's products: a table that is filtered and sorted by its address, whose rows turn into forms.

What is chosen in it is changed all at once.
"""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mountify.core.clock import utcnow
from mountify.core.errors.catalogue import BadPrice, ChangedMeanwhile, PricesOutOfReach, UnknownCategory
from mountify.core.texts import read_whole
from mountify.forms.product_table import CategoryOfManyForm, PricesForm, RowForm, StatusOfManyForm
from mountify.services import product_bulk, product_changes, product_table
from mountify.web.answers import done, page, seen_other, wants_fragment
from mountify.web.auth import actor, settings

from .product_view import View, show_form, show_table

bp = Blueprint("products", __name__, url_prefix="/products")


@bp.get("")
def index() -> Response:
    """The table; with ?edit= one row of it is a form, which is all that htmx gets."""
    edited = read_whole(request.args.get("edit", ""))
    if edited is None:
        return show_table()
    return show_form(edited, RowForm.of(product_table.get_row(edited)))


@bp.get("/<id:product_id>")
def show(product_id: int) -> Response:
    """One row as it is, for whoever leaves its form."""
    row, view = product_table.get_row(product_id), View.of_request()
    if wants_fragment():
        return page("admin/products/_row.html", row=row, view=view, is_back=True)
    return seen_other(view.url(edit=product_id))


@bp.post("/<id:product_id>")
def save(product_id: int) -> Response:
    form, currency, now = RowForm(), settings().currency, utcnow()
    if not form.validate():
        return show_form(product_id, form, status=422)
    try:
        product_table.save(actor(), product_id, form.values, seen=form.seen.data or "", currency=currency, now=now)
    except (BadPrice, UnknownCategory) as error:
        form.refuse("price" if isinstance(error, BadPrice) else "category", error)
        return show_form(product_id, form, status=error.status)
    except ChangedMeanwhile as error:
        return show_form(product_id, form, status=error.status, is_outdated=True)
    return done(
        _("%(name)s is saved.", name=form.name.data),
        to=View.of_request().url(),
        stream="admin/products/save.stream.html",
        row=product_table.get_row(product_id) if wants_fragment() else None,
        view=View.of_request(),
    )


@bp.post("/<id:product_id>/copy")
def duplicate(product_id: int) -> Response:
    copy = product_changes.duplicate(actor(), product_id, currency=settings().currency, now=utcnow())
    return done(_("This is the copy: a draft, without stock."), to=url_for("admin.product_form.edit", product_id=copy))


@bp.post("/<id:product_id>/removal")
def delete(product_id: int) -> Response:
    name = product_table.get_row(product_id).name
    if product_changes.delete(actor(), product_id, now=utcnow()):
        return done(_("%(name)s is deleted.", name=name), to=View.of_request().url())
    return done(_("%(name)s was ordered before, so it is archived.", name=name), to=View.of_request().url())


@bp.post("/prices")
def change_prices() -> Response:
    form, currency = PricesForm(), settings().currency
    if not form.validate():
        return show_table(form, status=422)
    try:
        change = product_bulk.change_prices(
            actor(),
            form.ids,
            form.reprice(currency),
            key=form.key.data or None,
            currency=currency,
            now=utcnow(),
        )
    except PricesOutOfReach as error:
        form.refuse("by", error)
        return show_table(form, status=error.status)
    if change is None:
        return done(_("That is too little to change any of these prices."), to=View.of_request().url(), kind="warn")
    return done(None, to=View.of_request().url(changed=change))


@bp.post("/prices/<id:change_id>/undo")
def undo_prices(change_id: int) -> Response:
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
