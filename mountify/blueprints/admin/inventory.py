"""The desk's stock: a table whose numbers are typed into, and a page for each product's."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from mountify.core.clock import utcnow
from mountify.core.errors.catalogue import BelowReserved, NothingOnHand, StockChanged
from mountify.core.tokens import new_token
from mountify.forms.base import ShopForm
from mountify.forms.listing import read_page, read_words
from mountify.forms.stock import AdjustForm, LevelForm, OnHandForm
from mountify.services import audit_log, stock_changes, stock_table
from mountify.services.stock_table import Level
from mountify.web.answers import done, page, wants_fragment
from mountify.web.auth import actor

bp = Blueprint("inventory", __name__, url_prefix="/inventory")


@bp.get("")
def index() -> Response:
    return _index()


@bp.get("/<id:product_id>")
def show(product_id: int) -> Response:
    """One product's stock: what holds it, and how it came to be."""
    return _show(product_id)


@bp.post("/<id:product_id>/on-hand")
def set_on_hand(product_id: int) -> Response:
    form = OnHandForm()
    if not form.validate():
        return _row(product_id, form, status=422, seen=form.expected.data)
    try:
        row = stock_changes.set_on_hand(
            actor(), product_id, form.on_hand.value, expected=form.expected.data, now=utcnow()
        )
    except (StockChanged, BelowReserved) as error:
        form.refuse("on_hand", error)
        found = getattr(error, "found", None)
        seen = form.expected.data if found is None else found
        return _row(product_id, form, status=409, found=found, seen=seen)
    return done(
        _("%(name)s: %(number)s on hand.", name=row.name, number=row.on_hand),
        to=url_for(".index", **_query(), _anchor=f"stock-{product_id}"),
        stream="admin/inventory/save.stream.html",
        row=row,
    )


@bp.post("/<id:product_id>/movements")
def adjust(product_id: int) -> Response:
    form = AdjustForm()
    if form.validate():
        try:
            row = stock_changes.adjust(actor(), product_id, form.delta.value, **form.why, now=utcnow())
        except (BelowReserved, NothingOnHand) as error:
            form.refuse("delta", error)
            return _show(product_id, status=409, adjust_form=form)
        said = _("%(name)s: %(number)s on hand.", name=row.name, number=row.on_hand)
        return done(said, to=url_for(".show", product_id=product_id))
    return _show(product_id, status=422, adjust_form=form)


@bp.post("/<id:product_id>/low-level")
def set_low_level(product_id: int) -> Response:
    form = LevelForm()
    if not form.validate():
        return _show(product_id, status=422, level_form=form)
    stock_changes.set_low_level(actor(), product_id, form.low_stock_level.value, now=utcnow())
    return done(_("The low-stock level is saved."), to=url_for(".show", product_id=product_id))


def _query() -> dict[str, Any]:
    """What the table shows, as the shortest query: it travels with every form of it."""
    words, level, number = read_words(request.args.get("q", "")), _level(), read_page(request.args)
    query = {"q": words, "level": "" if level is Level.ALL else level.value, "page": str(number) if number > 1 else ""}
    return {name: value for name, value in query.items() if value}


def _level() -> Level:
    text = request.args.get("level", "")
    return Level(text) if text in set(Level) else Level.ALL


def _index(*, status: int = 200, **edited: Any) -> Response:
    query = _query()
    rows = stock_table.list_rows(query.get("q", ""), _level(), read_page(request.args))
    return page(
        "admin/inventory/index.html",
        block="rows",
        status=status,
        rows=rows,
        query=query,
        level=_level(),
        figures=None if wants_fragment() else stock_table.add_up(),
        **edited,
    )


def _row(
    product_id: int, form: OnHandForm, *, status: int, found: int | None = None, seen: int | None = None
) -> Response:
    """The row with what is wrong in it; without script it stands in its table again.

    It goes on from what was `seen`: only a conflict that was shown (`found`) is known to whoever saves once more.
    """
    row = stock_table.get_row(product_id)
    if wants_fragment():
        return page(
            "admin/inventory/_row.html",
            status=status,
            row=row,
            edit=form,
            found=found,
            seen=seen,
            query=_query(),
            edited=row.id,
        )
    return _index(status=status, edit=form, found=found, seen=seen, edited=product_id, autofocus=True)


def _show(
    product_id: int, *, status: int = 200, adjust_form: ShopForm | None = None, level_form: ShopForm | None = None
) -> Response:
    row = stock_table.get_row(product_id)
    return page(
        "admin/inventory/show.html",
        status=status,
        row=row,
        movements=stock_table.list_movements(product_id, read_page(request.args)),
        holders=stock_table.list_holders(product_id),
        entries=audit_log.list_about("inventory", product_id),
        adjust_form=adjust_form or AdjustForm(formdata=None, data={"key": new_token()}),
        level_form=level_form or LevelForm(formdata=None, data={"low_stock_level": row.low_stock_level}),
    )
