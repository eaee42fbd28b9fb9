"""For guests who have lost the mail with the link to their order."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from flask_babel import gettext as _

from mountify.forms.find_order import FindOrderForm
from mountify.services import lost_orders
from mountify.web.answers import done, page
from mountify.web.limits import address, limiter

bp = Blueprint("find_order", __name__)


@bp.get("/find-my-order")
def show() -> Response:
    return page(
        "find_order/show.html",
        shared=True,
        form=FindOrderForm(),
        canonical=url_for(".show"),
        description=_("Enter the address you ordered with. We send the links to your orders there."),
    )


@bp.post("/find-my-order")
@limiter.limit("10/5minutes", key_func=address)
def send() -> Response:
    """Say the same whether or not there are orders; only the owner of the address learns which."""
    form = FindOrderForm()
    if not form.validate():
        return page("find_order/show.html", status=422, form=form)
    lost_orders.ask(form.email.data)
    return done(_("If there are orders with that address, their links are on the way to it."), to=url_for(".show"))
