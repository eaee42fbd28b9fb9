"""The table of products as an address says it: every way back leads to what was shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from flask import Response, request, url_for
from flask_babel import gettext as _

from mountify.core.texts import read_whole
from mountify.core.tokens import new_token
from mountify.forms.listing import read_page
from mountify.forms.product_table import ChosenForm, RowForm, read_filters, to_query
from mountify.services import product_bulk, product_table
from mountify.services.product_table import NO_CATEGORY, Column, Filters
from mountify.web.answers import page, wants_fragment
from mountify.web.deeds import product_statuses
from mountify.web.frame import frame


@dataclass(frozen=True)
class View:
    """Which part of the table is looked at, and the addresses around it."""

    filters: Filters
    number: int

    @classmethod
    def of_request(cls) -> Self:
        return cls(read_filters(request.args), read_page(request.args))

    def url(self, part: str = "products.index", **values: object) -> str:
        """The address of this view, or of something that leads back to it."""
        return url_for(f"admin.{part}", **to_query(self.filters, self.number), **values)  # type: ignore[arg-type]

    def page_url(self, number: int) -> str:
        return replace(self, number=number).url()

    def sort_url(self, column: str) -> str:
        """The address sorted by a column; by the one that it is sorted by, the other way round."""
        by = Column(column)
        is_descending = not self.filters.is_descending if by is self.filters.sort else by is Column.PART
        return View(replace(self.filters, sort=by, is_descending=is_descending), 1).url()

    def order_of(self, *columns: str) -> str:
        """Which way a column is sorted, as aria-sort says it; empty when it is not."""
        if self.filters.sort not in columns:
            return ""
        return "descending" if self.filters.is_descending else "ascending"

    @property
    def sort(self) -> str:
        return to_query(self.filters).get("sort", "")

    @property
    def statuses(self) -> list[tuple[str, str]]:
        return list(product_statuses().items())

    @property
    def categories(self) -> list[tuple[str, str]]:
        known = [(str(category.id), category.name) for category in frame().categories]
        return [*known, (str(NO_CATEGORY), _("No category"))]


def show_table(
    chosen: ChosenForm | None = None,
    *,
    edited: int | None = None,
    edit: RowForm | None = None,
    is_outdated: bool = False,
    status: int = 200,
) -> Response:
    """Answer with the table; htmx gets what is below its filters."""
    view, last = View.of_request(), product_bulk.find_last()
    return page(
        "admin/products/index.html",
        block="rows",
        status=status,
        view=view,
        rows=product_table.list_rows(view.filters, view.number, also=edited),
        chosen=chosen or ChosenForm(formdata=None, data={"key": new_token()}),
        last=last,
        is_news=last is not None and read_whole(request.args.get("changed", "")) == last.id,
        edited=edited,
        edit=edit,
        is_outdated=is_outdated,
    )


def show_form(product_id: int, form: RowForm, *, status: int = 200, is_outdated: bool = False) -> Response:
    """Answer with a row as a form: alone for htmx, else in its table."""
    row = product_table.get_row(product_id)
    if is_outdated:
        form.seen.data = row.seen  # whoever saves once more has seen what it is now
    if not wants_fragment():
        return show_table(edited=product_id, edit=form, status=status, is_outdated=is_outdated)
    view = View.of_request()
    return page("admin/products/_edit.html", status=status, row=row, view=view, edit=form, is_outdated=is_outdated)
