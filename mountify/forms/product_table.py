"""The table of products at the desk: what its address says, the form that a row turns into, and what many are given."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import SelectMultipleField, StringField, ValidationError
from wtforms.validators import Optional

from mountify.core.ids import BIGGEST_ID
from mountify.core.texts import read_whole
from mountify.forms.base import SeenForm, ShopForm, stripped
from mountify.forms.fields import AmountRequired, PriceField, key_field, name_field
from mountify.forms.listing import LAST_PAGE, MOST_A_PAGE, invalid_fields, read_number, read_words
from mountify.models.catalogue import ProductStatus
from mountify.services.product_bulk import MOST_AT_ONCE, Reprice, by_amount, by_percent
from mountify.services.product_table import NO_CATEGORY, Column, Filters, Row

_BY = re.compile(r"[+-]?[0-9]{1,6}(\.[0-9]{1,2})?")


def read_filters(query: MultiDict[str, str]) -> Filters:
    """Read what an address asks for; nonsense is left out."""
    status, sort = query.get("status", ""), query.get("sort", "")
    is_known = sort.removeprefix("-") in set(Column)
    return Filters(
        search=read_words(query.get("q", "")),
        category=read_whole(query.get("category", "")),
        status=ProductStatus(status) if status in set(ProductStatus) else None,
        sort=Column(sort.removeprefix("-")) if is_known else Column.PART,
        is_descending=sort.startswith("-") if is_known else True,
    )


def to_query(filters: Filters, page: int = 1) -> dict[str, str]:
    """Write filters as the shortest query that reads as them."""
    sort = ("-" if filters.is_descending else "") + filters.sort
    query = {
        "q": filters.search,
        "category": "" if filters.category is None else str(filters.category),
        "status": filters.status or "",
        "sort": "" if sort == "-part" else sort,
        "page": str(page) if page > 1 else "",
    }
    return {name: value for name, value in query.items() if value}


def check_query(query: MultiDict[str, str]) -> None:
    """Refuse what a page would leave out: a program is better told. Raises InvalidInput with the fields."""
    wrong: dict[str, list[str]] = {}
    for name, most in (("page", LAST_PAGE), ("limit", MOST_A_PAGE), ("category", BIGGEST_ID)):
        if query.get(name) and read_number(query[name], most) is None:
            wrong[name] = [_("Enter a whole number between 1 and %(most)s.", most=most)]
    if query.get("status") and query["status"] not in set(ProductStatus):
        wrong["status"] = [_("Choose draft, published or archived.")]
    if query.get("sort") and query["sort"].removeprefix("-") not in set(Column):
        wrong["sort"] = [_("Choose part, name, category, price or stock, with - before it for the other way round.")]
    if wrong:
        raise invalid_fields(wrong)


def a_status(_form: Any, field: Any) -> None:
    if field.data not in set(ProductStatus):
        raise ValidationError(_("Choose one of these."))


def a_category(_form: Any, field: Any) -> None:
    """The id of one, or 0 for none."""
    if read_whole(field.data or "") is None:
        raise ValidationError(_("Choose one of the categories."))


class RowForm(SeenForm):
    """What can be changed in a row, and what it was when the form was drawn."""

    name = name_field(200)
    category = StringField(validators=[a_category])
    status = StringField(validators=[a_status])
    price = PriceField(validators=[AmountRequired(_l("Enter a price."))])

    @classmethod
    def of(cls, row: Row) -> RowForm:
        category = str(row.category_id or NO_CATEGORY)
        return cls(
            formdata=None,
            data={"name": row.name, "category": category, "status": row.status, "price": row.price, "seen": row.seen},
        )

    @property
    def values(self) -> dict[str, object]:
        return {
            "name": self.name.data,
            "category_id": read_whole(self.category.data or "") or None,
            "status": ProductStatus(self.status.data),
            "price": self.price.data,
        }


class ChosenForm(ShopForm):
    """Which parts are chosen, and what all of them may be given: only what is asked for has to hold."""

    product = SelectMultipleField(validate_choice=False)
    by = StringField(filters=[stripped])
    unit = StringField(default="percent")
    category = StringField()
    status = StringField()
    key = key_field(Optional())

    def validate_product(self, field: Any) -> None:
        if not field.data:
            raise ValidationError(_("Choose at least one part first."))
        if len(field.data) > MOST_AT_ONCE or None in map(read_whole, field.data):
            raise ValidationError(_("Choose at most %(most)s parts.", most=MOST_AT_ONCE))

    @property
    def ids(self) -> set[int]:
        """The chosen parts, as far as they can be read."""
        return {number for text in self.product.data or [] if (number := read_whole(text)) is not None}


class PricesForm(ChosenForm):
    def validate_by(self, field: Any) -> None:
        if not _BY.fullmatch(field.data or "") or not Decimal(field.data):
            raise ValidationError(_("Write it as 5 or -2.50, with a point."))

    def validate_unit(self, field: Any) -> None:
        if field.data not in {"percent", "amount"}:
            raise ValidationError(_("Choose one of these."))

    def reprice(self, currency: str) -> Reprice:
        by = Decimal(self.by.data or "0")
        return by_percent(by, currency) if self.unit.data == "percent" else by_amount(by, currency)


class CategoryOfManyForm(ChosenForm):
    def validate_category(self, field: Any) -> None:
        a_category(self, field)

    @property
    def values(self) -> dict[str, object]:
        return {"category_id": read_whole(self.category.data or "") or None}


class StatusOfManyForm(ChosenForm):
    def validate_status(self, field: Any) -> None:
        a_status(self, field)

    @property
    def values(self) -> dict[str, object]:
        return {"status": ProductStatus(self.status.data)}
