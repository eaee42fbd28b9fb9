"""What a category is called."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField, ValidationError
from wtforms.validators import NumberRange, Optional

from mountify.forms.base import ShopForm, WholeNumber
from mountify.forms.fields import NO_SLUG, lines, name_field, slug_field
from mountify.services.categories import Named
from mountify.services.products import CategoryCount


class CategoryForm(ShopForm):
    name = name_field(80)
    slug = slug_field()
    description = lines(2000, too_long=_l("A description has at most %(max)d characters."))
    display_order = WholeNumber(
        validators=[Optional(), NumberRange(0, 10_000, _l("Enter a whole number between %(min)d and %(max)d."))]
    )

    def validate_slug(self, field: StringField) -> None:
        if field.data == "all":  # the address of them all
            raise ValidationError(str(NO_SLUG))

    @classmethod
    def of(cls, row: CategoryCount) -> CategoryForm:
        return cls(data={"name": row.name, "slug": row.slug, "description": row.description})

    @property
    def named(self) -> Named:
        return Named(self.name.data or "", self.slug.data or "", self.description.data or "")
