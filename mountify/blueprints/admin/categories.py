"""The desk's categories: a table whose rows turn into forms, and a form for a new one."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from mountify.core.clock import utcnow
from mountify.core.errors.catalogue import CategoryTaken
from mountify.core.texts import read_whole
from mountify.forms.category import CategoryForm
from mountify.services import audit_log, categories
from mountify.web.answers import done, page, wants_fragment
from mountify.web.auth import actor

bp = Blueprint("categories", __name__, url_prefix="/categories")


@bp.get("")
def index() -> Response:
    """The table; with ?edit= one row of it is a form, which is all that htmx gets."""
    edited = read_whole(request.args.get("edit", ""))
    if edited is None:
        return _index(CategoryForm())
    row = categories.get_row(edited)
    return _edit(edited, CategoryForm.of(row))


@bp.get("/<id:category_id>")
def show(category_id: int) -> Response:
    """One row as it is, for whoever leaves its form."""
    row = categories.get_row(category_id)
    if wants_fragment():
        return page("admin/categories/_row.html", row=row, is_back=True)
    return page("admin/categories/show.html", row=row, entries=audit_log.list_about("categories", category_id))


@bp.post("")
def add() -> Response:
    form = CategoryForm()
    if not form.validate():
        return _index(form, status=422)
    try:
        categories.add(actor(), form.named, now=utcnow())
    except CategoryTaken as error:
        form.refuse(error.field, error)
        return _index(form, status=409)
    return done(_("%(name)s is added.", name=form.named.name), to=url_for(".index"))


@bp.post("/<id:category_id>")
def save(category_id: int) -> Response:
    form = CategoryForm()
    if not form.validate():
        return _edit(category_id, form, status=422)
    try:
        categories.change(actor(), category_id, form.named, now=utcnow())
    except CategoryTaken as error:
        form.refuse(error.field, error)
        return _edit(category_id, form, status=409)
    return done(
        _("%(name)s is saved.", name=form.named.name),
        to=url_for(".index"),
        stream="admin/categories/save.stream.html",
        row=categories.get_row(category_id) if wants_fragment() else None,
    )


@bp.post("/<id:category_id>/place")
def move(category_id: int) -> Response:
    categories.move(actor(), category_id, up=request.form.get("to") == "up", now=utcnow())
    return done(None, to=url_for(".index"))


@bp.post("/<id:category_id>/removal")
def delete(category_id: int) -> Response:
    name = categories.get_row(category_id).name
    left = categories.delete(actor(), category_id, now=utcnow())
    said = ngettext(
        "%(name)s is deleted. %(num)s product is in no category now.",
        "%(name)s is deleted. %(num)s products are in no category now.",
        left,
        name=name,
    )
    return done(said, to=url_for(".index"))


def _index(form: CategoryForm, *, status: int = 200) -> Response:
    return page("admin/categories/index.html", status=status, rows=categories.list_rows(), form=form, edited=None)


def _edit(category_id: int, form: CategoryForm, *, status: int = 200) -> Response:
    if wants_fragment():
        return page("admin/categories/_edit.html", status=status, row=categories.get_row(category_id), edit=form)
    categories.get_row(category_id)
    return page(
        "admin/categories/index.html",
        status=status,
        rows=categories.list_rows(),
        form=CategoryForm(formdata=None),
        edited=category_id,
        edit=form,
    )
