"""Orders at the desk: found, looked at, packed, cancelled, and their money sent back."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.payments import BadAmount, NotReturnable, RefundAsked, RefundTooHigh
from mountify.core.order_status import OrderStatus
from mountify.core.tokens import new_token
from mountify.forms.listing import read_page
from mountify.forms.orders import CopyForm, NoteForm, RefundForm, read_filters, refund_form, to_query
from mountify.forms.shipping import ShipForm
from mountify.services import audit_log, order_changes, order_sheet, order_table, refund_requests
from mountify.services.order_sheet import Refundable
from mountify.services.orders import get_order, lines_of
from mountify.web.answers import done, page, wants_fragment
from mountify.web.auth import actor, require_admin, require_proof, settings
from mountify.web.gateways import gateways

bp = Blueprint("orders", __name__, url_prefix="/orders")


@bp.get("")
def index() -> Response:
    filters, number = read_filters(request.args), read_page(request.args)
    return page(
        "admin/orders/index.html",
        block="rows",
        rows=order_table.list_orders(filters, number, timezone=settings().timezone),
        query=to_query(filters, number),
        most_found=order_table.MOST_FOUND,
        statuses=list(OrderStatus),
        counts={} if wants_fragment() else order_table.count_by_status(),
    )


@bp.get("/pick-list")
def show_pick_list() -> Response:
    """What to take off the shelf for every order that waits for its parcel."""
    orders, picks = order_sheet.list_picks()
    return page("admin/orders/pick_list.html", orders=orders, picks=picks)


@bp.get("/<id:order_id>")
def show(order_id: int) -> Response:
    return _show(order_id, NoteForm(formdata=None))


@bp.get("/<id:order_id>/packing-slip")
def show_packing_slip(order_id: int) -> Response:
    """What goes into the parcel: nothing of it that has come back."""
    order = get_order(order_id)
    lines = [line for line in order_sheet.list_lines(order) if line.left > 0]
    return page("admin/orders/packing_slip.html", order=order, lines=lines)


@bp.post("/<id:order_id>/notes")
def add_note(order_id: int) -> Response:
    form = NoteForm()
    if not form.validate():
        return _show(order_id, form, status=422)
    order_changes.add_note(actor(), order_id, form.note.data, now=utcnow())
    return done(_("The note is kept."), to=url_for(".show", order_id=order_id))


@bp.post("/<id:order_id>/cancellation")
def cancel(order_id: int) -> Response:
    """Cancel an order that waits for its payment; one that was paid meanwhile is shown as it is."""
    order = order_changes.cancel(actor(), order_id, payments=gateways().payments, site=settings().site, now=utcnow())
    said = _("Order %(number)s is cancelled.", number=order.number)
    if order.is_cancelled:
        return done(said, to=url_for(".show", order_id=order_id))
    left = _("Order %(number)s is not cancelled: see below what became of it.", number=order.number)
    return done(left, to=url_for(".show", order_id=order_id), kind="warn")


@bp.post("/<id:order_id>/delivery")
def mark_delivered(order_id: int) -> Response:
    order = order_changes.mark_delivered(actor(), order_id, now=utcnow())
    return done(_("Order %(number)s is delivered.", number=order.number), to=url_for(".show", order_id=order_id))


@bp.post("/<id:order_id>/emails/<id:email_id>")
def send_again(order_id: int, email_id: int) -> Response:
    form, to = CopyForm().validated(), url_for(".show", order_id=order_id)
    if order_changes.send_again(actor(), order_id, email_id, copy=form.copy.value, now=utcnow()) is None:
        return done(_("It is on its way already; nothing more was sent."), to=to, kind="warn")
    return done(_("The email is on its way again."), to=to)


@bp.get("/<id:order_id>/refund")
def ask_refund(order_id: int) -> Response:
    """How much goes back, and which parts: all that is left, and all parts of what is still in the house."""
    require_admin()
    require_proof()
    back = order_sheet.get_refundable(order_id)
    form = refund_form(back.parts)(formdata=None, data={"key": new_token(), "amount": back.left})
    for product_id, count in back.parts.items():
        form.part(product_id).data = count if back.order.status is OrderStatus.PAID else 0
    return _ask_refund(back, form)


@bp.post("/<id:order_id>/refund")
def refund(order_id: int) -> Response:
    require_admin()
    require_proof()
    back = order_sheet.get_refundable(order_id)
    form = refund_form(lines_of(back.order))()
    if not form.validate():
        return _ask_refund(back, form, status=422)
    try:
        refund_requests.request(order_id, form.wish, by=actor(), now=utcnow())
    except (BadAmount, NotReturnable, RefundAsked, RefundTooHigh) as error:
        form.refuse_wish(error)
        return _ask_refund(back, form, status=error.status)
    return done(_("The refund is written down. Stripe is asked for it now."), to=url_for(".show", order_id=order_id))


def _show(order_id: int, form: NoteForm, *, status: int = 200) -> Response:
    sheet = order_sheet.get_sheet(order_id)
    return page(
        "admin/orders/show.html",
        status=status,
        sheet=sheet,
        order=sheet.order,
        note_form=form,
        ship_form=ShipForm.of(sheet.order),
        entries=audit_log.list_about("orders", order_id),
    )


def _ask_refund(back: Refundable, form: RefundForm, *, status: int = 200) -> Response:
    return page("admin/orders/refund.html", status=status, back=back, order=back.order, form=form)
