"""Fields that several forms ask for in the same words."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Field, StringField
from wtforms.validators import DataRequired, Email, Length, StopValidation
from wtforms.widgets import TextInput

from mountify.core.money import Money
from mountify.forms.base import no_control_characters
from mountify.services.email_addresses import canonical

_PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")


class PriceField(Field):
    """Reads an amount as people write it with a point, such as 19.50; gives Money, None when it is empty or blank.

    Where it must not be, AmountRequired says so: InputRequired takes a blank for an amount.
    """

    widget = TextInput()
    complaint = _l("Write it as 19.50, with a point.")

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else str(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        text = valuelist[0].strip()
        self.data = None
        if not text:
            return
        if not _PRICE.fullmatch(text):
            raise ValueError(self.complaint)
        self.data = Money.of(text)


class AmountRequired:
    """Nothing is no amount, and a blank is nothing."""

    def __init__(self, message: Any) -> None:
        self.message = message

    def __call__(self, _form: Any, field: Any) -> None:
        if not (field.raw_data and str(field.raw_data[0]).strip()):
            raise StopValidation(str(self.message))


def canonical_address(text: str | None) -> str | None:
    return canonical(text) if text else text


def email_field() -> StringField:
    return StringField(
        filters=[canonical_address],
        validators=[
            DataRequired(_l("Enter your email address.")),
            Length(max=254, message=_l("An email address has at most 254 characters.")),
            no_control_characters,
            Email(_l("Enter an email address such as sam@example.com."), allow_smtputf8=False),
        ],
    )
