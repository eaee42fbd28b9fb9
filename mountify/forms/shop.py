"""The shop as its merchant sets it up."""

from __future__ import annotations

from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectMultipleField, ValidationError
from wtforms.validators import InputRequired, NumberRange, Optional

from mountify.core.countries import COUNTRIES
from mountify.core.money import can_express
from mountify.forms.base import SeenForm, WholeNumber
from mountify.forms.fields import AmountRequired, PriceField, email_field, line, lines
from mountify.services.settings import Shop, state_of, state_of_page
from mountify.web.auth import settings

LONGEST_PAGE = 50_000


class Level(WholeNumber):
    complaint = _l("Enter a whole number.")


def payable(_form: Any, field: Any) -> None:
    currency = settings().currency
    if field.data is not None and not can_express(field.data, currency):
        raise ValidationError(
            _(
                "%(price)s is no price in %(currency)s, which has no such fractions.",
                price=field.data,
                currency=currency,
            )
        )


class SettingsForm(SeenForm):
    name = line(60, _l("Enter the shop's name."))
    claim = lines(120)
    lead = lines(300)
    about = lines(300)
    sender_name = line(60)
    contact_email = email_field()
    address = line(200)
    returns_in_short = line(60)
    countries = SelectMultipleField(validate_choice=False)
    low_stock = Level(
        validators=[
            InputRequired(_l("Enter a whole number.")),
            NumberRange(0, 10_000, _l("Enter a whole number between %(min)d and %(max)d.")),
        ]
    )
    shipping_flat = PriceField(
        validators=[AmountRequired(_l("Enter what shipping costs; 0 when it is free.")), payable]
    )
    shipping_free_from = PriceField(validators=[Optional(), payable])

    @classmethod
    def of(cls, shop: Shop) -> SettingsForm:
        return cls(data={name: getattr(shop, name) for name in _NAMES} | {"seen": state_of(shop)})

    @property
    def values(self) -> dict[str, Any]:
        given = {name: self[name].data for name in _NAMES}
        return {name: value or "" if name in _TEXTS else value for name, value in given.items()} | {
            "countries": tuple(self.countries.data or ())
        }

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Code and name of every country, by name."""
        names = get_locale().territories if get_locale() else {}
        return sorted(((code, names.get(code, code)) for code in COUNTRIES), key=lambda country: country[1])

    def validate_countries(self, field: SelectMultipleField) -> None:
        if not field.data:
            raise ValidationError(_("Choose one country at least."))
        if not set(field.data) <= set(COUNTRIES):
            raise ValidationError(_("Choose countries of the list."))


_TEXTS = ("name", "claim", "lead", "about", "sender_name", "contact_email", "address", "returns_in_short")
_NAMES = (*_TEXTS, "countries", "low_stock", "shipping_flat", "shipping_free_from")


class PageForm(SeenForm):
    text = lines(LONGEST_PAGE)

    @classmethod
    def of(cls, shop: Shop, name: str) -> PageForm:
        return cls(data={"text": shop.pages.get(name, ""), "seen": state_of_page(shop, name)})
