"""What leaves the shop: the orders to ship with a form each, and the parcel of one order."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.orders import AlreadyShipped, BadTrackingNumber, NotShipped, NotToShip, UnknownCarrier
from mountify.core.errors.payments import AlreadyRefunded
from mountify.forms.listing import LAST_PAGE, read_number, read_page
from mountify.forms.shipping import ShipForm
from mountify.services import audit_log, shipping
from mountify.services.orders import get_order
from mountify.web.answers import back, done, page, wants_fragment
from mountify.web.auth import actor, settings

bp = Blueprint("shipping", __name__)

_REFUSALS = (UnknownCarrier, BadTrackingNumber, NotToShip, AlreadyShipped, NotShipped, AlreadyRefunded)


@bp.get("/shipping")
def index() -> Response:
    return _index()


@bp.get("/orders/<id:order_id>/shipment")
def show(order_id: int) -> Response:
    """The parcel of one order: to be shipped, or with a number that may have to be corrected."""
    return _show(order_id, ShipForm.of(get_order(order_id)))


@bp.post("/orders/<id:order_id>/shipment")
def ship(order_id: int) -> Response:
    form, order_number = ShipForm(), get_order(order_id).number
    status = _refusal(form, order_id, is_correction=False)
    if status:
        return _again(order_id, form, status)
    said = _("Order %(number)s is shipped.", number=order_number)
    if not _is_of_the_list():
        return done(said, to=back(url_for(".show", order_id=order_id)))
    number = read_page(request.args)
    to = url_for(".index", page=number if number > 1 else None)
    if not wants_fragment():
        return done(said, to=to)
    values: dict[str, Any] = {
        "order_id": order_id,
        "sent": shipping.list_on_the_way(),
        "count": shipping.count_to_ship(),
    }
    return done(said, to=to, stream="admin/shipping/ship.stream.html", **values)


@bp.post("/orders/<id:order_id>/shipment/correction")
def correct(order_id: int) -> Response:
    form, number = ShipForm(), get_order(order_id).number
    status = _refusal(form, order_id, is_correction=True)
    if status:
        return _again(order_id, form, status)
    said = _("The tracking number of order %(number)s is corrected.", number=number)
    return done(said, to=back(url_for(".show", order_id=order_id)))


def _refusal(form: ShipForm, order_id: int, *, is_correction: bool) -> int:
    """Do what a form says; otherwise say why beside its field, and give the status of the answer."""
    if not form.validate():
        return 422
    deed = shipping.correct if is_correction else shipping.ship
    try:
        deed(actor(), order_id, *form.parcel, mail=bool(form.mail.data), site=settings().site, now=utcnow())
    except _REFUSALS as error:
        form.refuse(form.carrier_field if isinstance(error, UnknownCarrier) else "tracking_number", error)
        return error.status
    return 0


def _again(order_id: int, form: ShipForm, status: int) -> Response:
    """The form once more, where it stood: in its row, or on the page of its order."""
    if not _is_of_the_list():
        return _show(order_id, form, status=status)
    if wants_fragment():
        return page("admin/shipping/_row.html", status=status, order=get_order(order_id), form=form)
    return _index({order_id: form}, status=status)


def _is_of_the_list() -> bool:
    return "page" in request.args


def _index(filled: dict[int, ShipForm] | None = None, *, status: int = 200) -> Response:
    filled = filled or {}
    waiting = shipping.list_to_ship(read_page(request.args))
    rows = [(order, filled.get(order.id) or ShipForm(formdata=None)) for order in waiting.items]
    return page(
        "admin/shipping/index.html",
        status=status,
        waiting=waiting,
        rows=rows,
        gone=[form for order_id, form in filled.items() if order_id not in {order.id for order in waiting.items}],
        sent=shipping.list_on_the_way(read_number(request.args.get("sent", ""), LAST_PAGE) or 1),
    )


def _show(order_id: int, form: ShipForm, *, status: int = 200) -> Response:
    order = get_order(order_id)
    if wants_fragment():
        return page("admin/shipping/_ship.html", status=status, order=order, ship_form=form)
    entries = audit_log.list_about("orders", order_id)
    return page("admin/shipping/show.html", status=status, order=order, ship_form=form, entries=entries)
