"""Fields that several forms ask for in the same words."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Field, HiddenField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Email, Length, Regexp, StopValidation
from wtforms.widgets import TextInput

from mountify.core.money import Money
from mountify.core.tokens import SHAPE
from mountify.forms.base import no_control_characters, no_control_characters_but_lines, plain_lines, stripped
from mountify.services.email_addresses import canonical

NO_SLUG = _l("Use small letters a to z, digits and hyphens, such as wall-hooks.")
TOO_OLD = _l("This page was too old. Please try again.")
_TOO_LONG = _l("This has room for %(max)d characters.")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PRICE = re.compile(r"[0-9]{1,7}(\.[0-9]{1,2})?")


def line(most: int, *required: Any, too_long: Any = _TOO_LONG) -> StringField:
    """A text of one line; `required` says what is said when it is left empty."""
    return StringField(
        filters=[stripped],
        validators=[*map(DataRequired, required), Length(max=most, message=too_long), no_control_characters],
    )


def lines(most: int, *, too_long: Any = _TOO_LONG) -> TextAreaField:
    """A text of several lines, or none."""
    return TextAreaField(
        filters=[stripped, plain_lines],
        validators=[Length(max=most, message=too_long), no_control_characters_but_lines],
    )


def name_field(most: int) -> StringField:
    return line(most, _l("Enter a name."), too_long=_l("A name has at most %(max)d characters."))


def slug_field() -> StringField:
    """The end of an address in the shop, or nothing."""
    too_long = _l("An address has at most %(max)d characters.")
    return StringField(filters=[stripped], validators=[Length(max=80, message=too_long), _slug])


def is_slug(text: str) -> bool:
    return _SLUG.fullmatch(text) is not None


def _slug(_form: Any, field: Any) -> None:
    if field.data and not is_slug(field.data):
        raise ValidationError(str(NO_SLUG))


def key_field(validator: Any) -> HiddenField:
    """What a page draws for its form, so that the same one sent twice is known: Optional() or DataRequired()."""
    return HiddenField(validators=[validator, Regexp(rf"{SHAPE}\Z", message=TOO_OLD)])


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
