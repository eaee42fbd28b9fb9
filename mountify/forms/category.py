"""What a category is called."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from mountify.forms.base import ShopForm, WholeNumber, no_control_characters, no_control_characters_but_lines, stripped
from mountify.services.categories import Named, Row

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def is_slug(text: str) -> bool:
    return _SLUG.fullmatch(text) is not None


def slug(_form: Any, field: Any) -> None:
    if field.data == "all" or (field.data and not is_slug(field.data)):
        raise ValidationError(_("Use small letters a to z, digits and hyphens, such as wall-hooks."))


class CategoryForm(ShopForm):
    name = StringField(
        filters=[stripped],
        validators=[
            DataRequired(_l("Enter a name.")),
            Length(max=80, message=_l("A name has at most %(max)d characters.")),
            no_control_characters,
        ],
    )
    slug = StringField(
        filters=[stripped], validators=[Length(max=80, message=_l("An address has at most %(max)d characters.")), slug]
    )
    description = TextAreaField(
        filters=[stripped],
        validators=[
            Length(max=2000, message=_l("A description has at most %(max)d characters.")),
            no_control_characters_but_lines,
        ],
    )
    display_order = WholeNumber(
        validators=[Optional(), NumberRange(0, 10_000, _l("Enter a whole number between %(min)d and %(max)d."))]
    )

    @classmethod
    def of(cls, row: Row) -> CategoryForm:
        return cls(data={"name": row.name, "slug": row.slug, "description": row.description})

    @property
    def named(self) -> Named:
        return Named(self.name.data or "", self.slug.data or "", self.description.data or "")
