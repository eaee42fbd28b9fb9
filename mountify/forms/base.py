"""One form serves the HTML form and the JSON body of the same command. CSRF is checked for every request elsewhere."""

from __future__ import annotations

from typing import Any, Self

from flask import request
from flask_babel import gettext, lazy_gettext
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import ValidationError
from wtforms.fields import BooleanField, Field, HiddenField, IntegerField

from mountify.core.errors import Malformed, ShopError
from mountify.core.texts import has_control_characters, has_control_characters_but_lines, read_whole


class ShopForm(FlaskForm):
    class Meta(FlaskForm.Meta):
        csrf = False

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """A page's form is a form: Flask-WTF would take a JSON body for one and hand its numbers to text fields."""
            if isinstance(formdata, MultiDict):
                return formdata
            return request.form if request.method == "POST" else None

    @classmethod
    def from_json(cls, body: dict[str, Any]) -> Self:
        """Read the same fields from a JSON object, in camelCase. Raises BadForm about wrong types as about values."""
        fields = list(cls(formdata=MultiDict()))
        values = {field.name: body[_camel(field.name)] for field in fields if _camel(field.name) in body}
        given = {field.name: field.default for field in fields if field.default is not None} | values
        form = cls(formdata=MultiDict({name: _plain(value) for name, value in given.items()}))
        form.validate()
        for field in form:
            wanted = _type_of(field)
            if field.name in values and type(values[field.name]) is not wanted:
                field.errors = [_wrong_type(wanted)]
        if form.errors:
            raise BadForm(form)
        return form

    def validated(self) -> Self:
        """Give the form when it holds. Raises BadForm, which carries the messages of every field."""
        if not self.validate():
            raise BadForm(self)
        return self

    def refuse(self, name: str, error: ShopError) -> None:
        """Say beside a field why a rule does not take what is in it."""
        self[name].errors = [gettext(error.message_id, **error.params)]

    def refused(self, name: str, error: ShopError) -> BadForm:
        """The form, which does not hold because a rule does not take what is in a field."""
        self.refuse(name, error)
        return BadForm(self)

    @property
    def messages(self) -> list[str]:
        return [str(message) for messages in self.errors.values() for message in messages]


class SeenForm(ShopForm):
    """A form that says what it was drawn from: `seen` stands for it."""

    seen = HiddenField()

    @property
    def was_seen(self) -> str | None:
        """What it was drawn from, where whoever sends it says so."""
        return self.seen.data if self.seen.raw_data else None

    def outdate(self, seen: str) -> None:
        """Say that somebody else was faster; whoever saves once more has been told so."""
        self.form_errors.append(
            gettext("Somebody else has changed this since you opened it. Save again to keep yours.")
        )
        self.seen.data = seen


def _plain(value: object) -> str:
    """What a form would send: of a box that is not ticked, nothing that counts as one."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type_of(field: Field) -> type:
    return int if isinstance(field, WholeNumber) else bool if isinstance(field, BooleanField) else str


def _wrong_type(wanted: type) -> str:
    if wanted is int:
        return gettext("This must be a whole number.")
    return gettext("This must be true or false.") if wanted is bool else gettext("This must be text.")


class BadForm(Malformed):
    """A form that does not hold, with the messages of every field."""

    def __init__(self, form: ShopForm) -> None:
        self.form = form
        super().__init__(form.messages[0] if form.messages else None)
        self.facts = {
            "fields": {_camel(name): [str(each) for each in said] for name, said in form.errors.items() if name}
        }


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


class WholeNumber(IntegerField):
    """Reads plain decimal digits with a sign, as people write quantities; nothing else int() would take."""

    complaint = lazy_gettext("Quantity must be a whole number.")

    @property
    def value(self) -> int:
        """The number, once the form holds. Raises ValueError when there is none."""
        if self.data is None:
            raise ValueError(self.name)
        return int(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        if not valuelist:
            return
        text = valuelist[0].strip()
        number = read_whole(text.removeprefix("-" if text.startswith("-") else "+"))
        if number is None:
            self.data = None
            raise ValueError(self.complaint)
        self.data = -number if text.startswith("-") else number


def in_ascii(form: Any, field: Any) -> None:
    """No account has another address, and PostgreSQL takes İ for an i, which would be counted apart."""
    if not (field.data or "").isascii():
        raise ValidationError(gettext("Enter an email address such as sam@example.com."))


def stripped(text: str | None) -> str | None:
    """A filter: without the white space around it."""
    return text.strip() if text else text


def plain_lines(text: str | None) -> str | None:
    """A filter: lines end as everywhere else, not as browsers send them."""
    return text.replace("\r\n", "\n") if text else text


def no_control_characters(form: Any, field: Any) -> None:
    if has_control_characters(field.data or ""):
        raise ValidationError(gettext("This contains characters that cannot be used here."))


def no_control_characters_but_lines(form: Any, field: Any) -> None:
    """For a text of several lines."""
    if has_control_characters_but_lines(field.data or ""):
        raise ValidationError(gettext("This contains characters that cannot be used here."))
