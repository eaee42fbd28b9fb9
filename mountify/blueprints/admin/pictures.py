"""The pictures of a product at the desk: added, put in order, described, replaced and deleted beside its form."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import RequestEntityTooLarge

from mountify.core.clock import utcnow
from mountify.core.errors import NotFound, ShopError
from mountify.core.texts import read_whole
from mountify.forms.pictures import MOST_FILES, content_of, let_in_more, read_files, read_texts
from mountify.services import product_pictures, products
from mountify.web.answers import done, page, wants_fragment
from mountify.web.auth import actor, identity
from mountify.web.errors import refuse_request
from mountify.web.gateways import gateways

from .product_form import most_bytes, show_form

bp = Blueprint("pictures", __name__, url_prefix="/products")

Failure = tuple[str, str]  # of which file, and why


@bp.url_value_preprocessor
def take_files(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Before anything of a request is read."""
    if (endpoint or "").endswith(".add"):
        let_in_more()


@bp.post("/<id:product_id>/pictures")
def add(product_id: int) -> Response:
    """Each file for itself: those that are pictures are kept, whatever the others are."""
    files = read_files("photos")
    if not files:
        return _show(product_id, [("", _("Choose a picture first."))], status=422)
    failures: list[Failure] = []
    status, instead_of = 200, read_whole(request.form.get("instead_of", ""))
    for file in files[:MOST_FILES]:
        try:
            product_pictures.add(
                actor(),
                product_id,
                content_of(file),
                instead_of=instead_of,
                images=gateways().images,
                now=utcnow(),
            )
            instead_of = None  # the next good one comes at the end
        except NotFound:
            products.get_whole(product_id)
            raise
        except ShopError as error:
            failures.append((file.filename or "", _(error.message_id, **error.params)))
            status = error.status
    if left_out := files[MOST_FILES:]:
        failures += [(file.filename or "", _("Too many at once. Please send it again.")) for file in left_out]
    if failures:
        return _show(product_id, failures, status=max(status, 409))
    return _done(product_id, ngettext("%(num)s photo is added.", "%(num)s photos are added.", len(files)))


@bp.post("/<id:product_id>/pictures/order")
def arrange(product_id: int) -> Response:
    """Whichever button it was: what was typed about the pictures is kept as well."""
    by, now = actor(), utcnow()
    product_pictures.describe(by, product_id, read_texts(request.form), now=now)
    picture, _colon, way = request.form.get("move", "").partition(":")
    moved, dropped = read_whole(picture), read_whole(request.form.get("drop", ""))
    if moved is not None:
        product_pictures.move(by, product_id, moved, earlier=way == "earlier", now=now)
        return _done(product_id, _("The photos are in their new order."))
    if dropped is not None:
        product_pictures.drop(by, product_id, dropped, now=now)
        return _done(product_id, _("The photo is deleted."))
    return _done(product_id, _("The descriptions are saved."))


@bp.errorhandler(RequestEntityTooLarge)
def refuse_too_much(error: RequestEntityTooLarge) -> Response:
    """More than all pictures together may have, refused unread; it is said where the file was chosen."""
    who, product_id = identity(), (request.view_args or {}).get("product_id")
    if who is None or not who.is_staff or product_id is None:
        return refuse_request(error)
    sentence = _("That was too much at once: a picture has at most 5 MB. Nothing was uploaded.")
    try:
        return _show(product_id, [("", sentence)], status=413)
    except NotFound:
        return refuse_request(error)


def _done(product_id: int, said: str) -> Response:
    fragment = wants_fragment()
    return done(
        said,
        to=url_for("admin.product_form.edit", product_id=product_id, _anchor="pictures"),
        stream="admin/product_form/pictures.stream.html",
        product=products.get_whole(product_id) if fragment else None,
        most_bytes=most_bytes(),
        failures=[],
    )


def _show(product_id: int, failures: list[Failure], *, status: int) -> Response:
    if not wants_fragment():
        return show_form(product_id, status=status, failures=failures)
    return page(
        "admin/product_form/_pictures.html",
        status=status,
        product=products.get_whole(product_id),
        most_bytes=most_bytes(),
        failures=failures,
    )
