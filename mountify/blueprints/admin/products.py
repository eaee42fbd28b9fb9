"""The desk's products: a table that is filtered and sorted by its address, whose rows turn into forms."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors import BadPrice, ChangedMeanwhile, UnknownCategory
from mountify.core.texts import read_whole
from mountify.forms.product_table import RowForm
from mountify.services import product_changes, product_table
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
    return done(_("This is the copy: a draft, without stock."), to=View.of_request().url(edit=copy))


@bp.post("/<id:product_id>/removal")
def delete(product_id: int) -> Response:
    name = product_table.get_row(product_id).name
    if product_changes.delete(actor(), product_id, now=utcnow()):
        return done(_("%(name)s is deleted.", name=name), to=View.of_request().url())
    return done(_("%(name)s was ordered before, so it is archived.", name=name), to=View.of_request().url())
