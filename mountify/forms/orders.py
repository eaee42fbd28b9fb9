"""What the desk types about an order: which ones to list, a note, and what goes back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from mountify.core.errors import ShopError
from mountify.core.order_status import OrderStatus
from mountify.forms.base import ShopForm, no_control_characters_but_lines, stripped
from mountify.forms.fields import TOO_OLD, AmountRequired, PriceField, key_field
from mountify.forms.listing import invalid_fields, read_words
from mountify.forms.stock import Count
from mountify.services.order_table import Filters
from mountify.services.refund_requests import Wish

_PART = "part_"


def read_filters(query: MultiDict[str, str]) -> Filters:
    """Read what a list shows; nonsense is left out."""
    since, until = _read_day(query.get("from", "")), _read_day(query.get("to", ""))
    if since and until and since > until:
        since, until = until, since
    status = query.get("status", "")
    return Filters(
        status=OrderStatus(status) if status in set(OrderStatus) else None,
        words=read_words(query.get("q", "")),
        since=since,
        until=until,
    )


def to_query(filters: Filters, page: int = 1) -> dict[str, str]:
    """Write filters as the shortest query that reads as them."""
    query = {
        "status": filters.status or "",
        "q": filters.words,
        "from": filters.since.isoformat() if filters.since else "",
        "to": filters.until.isoformat() if filters.until else "",
        "page": str(page) if page > 1 else "",
    }
    return {name: str(value) for name, value in query.items() if value}


def check(query: MultiDict[str, str]) -> None:
    """Refuse what a page would leave out: a program is better told. Raises InvalidInput with the fields."""
    wrong: dict[str, list[str]] = {}
    if query.get("status") and query["status"] not in set(OrderStatus):
        wrong["status"] = [_("Choose %(known)s.", known=", ".join(OrderStatus))]
    for name in ("from", "to"):
        if query.get(name) and _read_day(query[name]) is None:
            wrong[name] = [_("Enter a day such as 2026-11-22.")]
    if wrong:
        raise invalid_fields(wrong)


class NoteForm(ShopForm):
    note = TextAreaField(
        filters=[stripped],
        validators=[
            DataRequired(_l("Write something first.")),
            Length(max=1000, message=_l("A note has at most %(max)d characters.")),
            no_control_characters_but_lines,
        ],
    )


class CopyForm(ShopForm):
    """Which copy of a mail is asked for."""

    copy = Count(validators=[InputRequired(TOO_OLD), NumberRange(1, 1000, TOO_OLD)])


class RefundForm(ShopForm):
    """How much goes back, and of each part how many go on the shelf again: see refund_form()."""

    amount = PriceField(validators=[AmountRequired(_l("Enter an amount such as 5.00."))])
    key = key_field(DataRequired(TOO_OLD))

    @property
    def wish(self) -> Wish:
        parts = {int(field.name.removeprefix(_PART)): field.data for field in self if field.name.startswith(_PART)}
        return Wish(self.amount.data, parts={part: count for part, count in parts.items() if count}, key=self.key.data)

    def part(self, product_id: int) -> Any:
        """The field of a part."""
        return self[f"{_PART}{product_id}"]

    def refuse_wish(self, error: ShopError) -> None:
        """Say beside the field that it is about why it cannot go back."""
        name = f"{_PART}{error.params.get('product')}"
        self.refuse(name if name in self else "amount", error)


def refund_form(parts: Mapping[int, int]) -> type[RefundForm]:
    """Make a form with a field for each part of which so many can come back; what is left empty stays out there."""
    fields = {f"{_PART}{product_id}": _quantity(most) for product_id, most in parts.items()}
    return type("RefundForm", (RefundForm,), fields)


def _quantity(most: int) -> Count:
    wrong = _l("Enter a whole number between %(min)d and %(max)d.")
    return Count(validators=[Optional(), NumberRange(0, most, wrong)])


def _read_day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None
