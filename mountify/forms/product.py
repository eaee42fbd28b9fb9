"""A product as its merchant describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import StringField
from wtforms.validators import AnyOf, InputRequired, NumberRange, Optional

from mountify.core.money import Money
from mountify.core.texts import read_whole
from mountify.forms.base import SeenForm
from mountify.forms.fields import AmountRequired, PriceField, lines, name_field, slug_field
from mountify.forms.stock import MOST_LEVEL, Count
from mountify.models.catalogue import Product, ProductStatus
from mountify.services.catalogue import NewProduct
from mountify.services.product_changes import state_of
from mountify.services.stock_changes import MOST_ON_HAND
from mountify.web.deeds import product_statuses

MOST_MM, MOST_G = 10_000, 100_000
_MEASURES = ("width_mm", "height_mm", "depth_mm", "weight_g")
_LONG = _l("This has at most %(max)d characters.")
_LEVEL = _l("Enter a whole number between %(min)d and %(max)d.")


class Measure(Count):
    complaint = _l("Use a whole number above 0.")


def _measure(most: int) -> Measure:
    return Measure(
        validators=[Optional(), NumberRange(1, most, _l("Use a number above 0, and at most %(most)s.", most=most))]
    )


class ProductForm(SeenForm):
    name = name_field(200)
    price = PriceField(validators=[AmountRequired(_l("Enter a price such as 19.50."))])
    category = StringField()
    description = lines(1000, too_long=_LONG)
    detailed_description = lines(20_000, too_long=_LONG)
    slug = slug_field()
    status = StringField(
        default=ProductStatus.DRAFT.value,
        validators=[AnyOf([each.value for each in ProductStatus], _l("Choose whether it is on sale."))],
    )
    low_stock_level = Count(default=4, validators=[InputRequired(), NumberRange(0, MOST_LEVEL, _LEVEL)])
    width_mm, height_mm, depth_mm = _measure(MOST_MM), _measure(MOST_MM), _measure(MOST_MM)
    weight_g = _measure(MOST_G)

    @classmethod
    def of(cls, product: Product) -> ProductForm:
        measures = {name: product.attributes.get(name) for name in _MEASURES}
        names = ("name", "price", "description", "detailed_description", "slug", "low_stock_level")
        return cls(
            formdata=MultiDict(),  # whatever is being sent: it may be about pictures, or be too big to be read
            data={
                **{name: getattr(product, name) for name in names},
                **measures,
                "category": str(product.category_id or ""),
                "status": product.status.value,
                "seen": state_of(product),
            },
        )

    def validate_category(self, field: Any) -> None:
        if field.data and read_whole(field.data) is None:
            field.data = "0"  # no category has it, which the shop says in its own words

    @property
    def statuses(self) -> list[tuple[str, str, str]]:
        """Code, name and what it means."""
        meanings = {
            ProductStatus.DRAFT: _("Only the desk sees it."),
            ProductStatus.PUBLISHED: _("Everybody sees it."),
            ProductStatus.ARCHIVED: _("No longer made. Old orders keep it."),
        }
        return [(code, name, meanings[ProductStatus(code)]) for code, name in product_statuses().items()]

    def attributes(self, known: Mapping[str, object]) -> dict[str, Any]:
        """The measurements, beside whatever else is known of a product."""
        typed = {name: self[name].data for name in _MEASURES}
        others = {name: value for name, value in known.items() if name not in _MEASURES}
        return others | {name: value for name, value in typed.items() if value is not None}

    def values(self, product: Product) -> dict[str, object]:
        """What is to become of a product; without an address it keeps the one it has."""
        return {
            "name": self.name.data,
            "price": self._price,
            "description": self.description.data or "",
            "detailed_description": self.detailed_description.data or "",
            "category_id": self._category_id,
            "slug": self.slug.data or product.slug,
            "status": ProductStatus(self.status.data),
            "low_stock_level": self.low_stock_level.value,
            "attributes": self.attributes(product.attributes),
        }

    @property
    def new(self) -> NewProduct:
        return NewProduct(
            name=self.name.data or "",
            price=self._price,
            description=self.description.data or "",
            detailed_description=self.detailed_description.data or "",
            category_id=self._category_id,
            slug=self.slug.data or None,
            attributes=self.attributes({}),
            low_stock_level=self.low_stock_level.value,
        )

    @property
    def _price(self) -> Money:
        """The price, once the form holds. Raises ValueError when there is none."""
        if self.price.data is None:
            raise ValueError(self.price.name)
        return self.price.data

    @property
    def _category_id(self) -> int | None:
        return read_whole(self.category.data) if self.category.data else None


class NewProductForm(ProductForm):
    """It may be on the shelf already."""

    on_hand = Count(default=0, validators=[Optional(), NumberRange(0, MOST_ON_HAND, _LEVEL)])
