"""One product at the desk: a form for what is said of it, beside its pictures and its history."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.catalogue import BadPrice, ChangedMeanwhile, SlugTaken, UnknownCategory
from mountify.forms.product import NewProductForm, ProductForm
from mountify.models.catalogue import ProductStatus
from mountify.services import audit_log, categories, product_changes, products
from mountify.services.pictures import MOST_BYTES
from mountify.web.answers import done, page, wants_fragment
from mountify.web.auth import actor, settings
from mountify.web.gateways import gateways

bp = Blueprint("product_form", __name__, url_prefix="/products")

_FIELD_OF = {BadPrice: "price", SlugTaken: "slug", UnknownCategory: "category"}


@bp.get("/new")
def new() -> Response:
    return _new(NewProductForm(formdata=None))


@bp.post("/new")
def add() -> Response:
    form = NewProductForm()
    is_good = form.validate()
    if "look" in request.form and wants_fragment():
        return _look(form)
    if "look" in request.form or not is_good:
        return _new(form, status=200 if is_good else 422, looks="look" in request.form)
    try:
        product_id = product_changes.add(
            actor(),
            form.new,
            status=ProductStatus(form.status.data),
            on_hand=form.on_hand.data or 0,
            currency=settings().currency,
            now=utcnow(),
        )
    except tuple(_FIELD_OF) as error:
        form.refuse(_FIELD_OF[type(error)], error)
        return _new(form, status=error.status)
    said = _("%(name)s is added. Its photos come next.", name=form.name.data)
    return done(said, to=url_for(".edit", product_id=product_id))


@bp.get("/<id:product_id>/edit")
def edit(product_id: int) -> Response:
    return show_form(product_id)


@bp.post("/<id:product_id>/edit")
def save(product_id: int) -> Response:
    product = products.get_whole(product_id)
    form = ProductForm()
    is_good = form.validate()
    if "look" in request.form and wants_fragment():
        return _look(form)
    if "look" in request.form or not is_good:
        return show_form(product_id, form, status=200 if is_good else 422, looks="look" in request.form)
    try:
        product_changes.change(
            actor(),
            product_id,
            form.values(product),
            seen=form.was_seen,
            currency=settings().currency,
            now=utcnow(),
        )
    except ChangedMeanwhile as error:
        form.outdate(product_changes.state_of(products.get_whole(product_id)))
        return show_form(product_id, form, status=error.status)
    except tuple(_FIELD_OF) as error:
        form.refuse(_FIELD_OF[type(error)], error)
        return show_form(product_id, form, status=error.status)
    return done(_("%(name)s is saved.", name=form.name.data), to=url_for(".edit", product_id=product_id))


@bp.get("/<id:product_id>/preview")
def preview(product_id: int) -> Response:
    """The product's page in the shop as it will be, for the office alone."""
    product = products.get_whole(product_id)
    return page("products/show.html", product=product, quantity=1, quantity_error="", now=utcnow())


def show_form(
    product_id: int,
    form: ProductForm | None = None,
    *,
    status: int = 200,
    looks: bool = False,
    failures: Sequence[tuple[str, str]] = (),
) -> Response:
    """The whole page, with a form as it was typed when there is one."""
    product = products.get_whole(product_id)
    return page(
        "admin/product_form/edit.html",
        status=status,
        product=product,
        form=form or ProductForm.of(product),
        looks=looks,
        choices=_categories(),
        entries=audit_log.list_about("products", product_id),
        most_bytes=most_bytes(),
        failures=failures,
    )


def most_bytes() -> int:
    """How big a photo may be; 0 when there is no service that would keep it."""
    return MOST_BYTES if gateways().images is not None else 0


def _new(form: NewProductForm, *, status: int = 200, looks: bool = False) -> Response:
    return page("admin/product_form/new.html", status=status, form=form, looks=looks, choices=_categories())


def _look(form: ProductForm) -> Response:
    """What the details look like as they are typed; nothing is saved."""
    return page("admin/product_form/_look.html", form=form)


def _categories() -> list[tuple[str, str]]:
    return [("", _("None")), *((str(row.id), row.name) for row in categories.list_rows())]
