"""Where a parcel can go: the form of an address book's entry."""

from __future__ import annotations

import re
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, StringField, ValidationError
from wtforms.validators import DataRequired, InputRequired, Length

from mountify.forms.base import ShopForm, no_control_characters
from mountify.models.account import Address
from mountify.services.addresses import LENGTHS, Entry
from mountify.web.frame import frame

# Where post finds its way without a code: https://en.wikipedia.org/wiki/List_of_postal_codes
WITHOUT_CODE = frozenset(
    {"AE", "AG", "AO", "BF", "BO", "BW", "BZ", "CM", "FJ", "GH", "HK", "IE", "JM", "KE", "QA", "UG"}
)
_SPACES = re.compile(" +")
_ZIP_CODE = re.compile(r"[0-9]{5}(-?[0-9]{4})?")


def _text(name: str, missing: Any = None) -> StringField:
    """A line of an address; `missing` is what is said when it must not be left empty."""
    too_long = _l("This has room for %(most)s characters.", most=LENGTHS[name])
    required = [DataRequired(missing)] if missing else []
    return StringField(
        filters=[lambda text: _SPACES.sub(" ", text).strip() if text else ""],
        validators=[*required, Length(max=LENGTHS[name], message=too_long), no_control_characters],
    )


class AddressForm(ShopForm):
    name = _text("name", _l("Enter the name that is on the door."))
    line1 = _text("line1", _l("Enter street and number."))
    line2 = _text("line2")
    city = _text("city", _l("Enter the city."))
    state = _text("state")
    postal_code = _text("postal_code")
    country = StringField(validators=[InputRequired(_l("Choose a country."))])
    phone = _text("phone")
    is_default = BooleanField()

    @classmethod
    def of(cls, address: Address) -> AddressForm:
        """The form filled with what is in the book."""
        names = (*LENGTHS, "is_default")
        return cls(**{name: getattr(address, name) for name in names})

    @property
    def entry(self) -> Entry:
        return Entry(**{name: self[name].data for name in LENGTHS})

    @property
    def countries(self) -> list[tuple[str, str]]:
        """Code and name of every country to choose from; one that was served in former times stands there still."""
        codes = dict.fromkeys(frame().shop.countries)
        if self.country.data in _names():
            codes.setdefault(self.country.data)
        return sorted(((code, _names().get(code, code)) for code in codes), key=lambda country: country[1])

    def validate_country(self, field: StringField) -> None:
        if field.data not in frame().shop.countries:
            names = ", ".join(sorted(_names().get(code, code) for code in frame().shop.countries))
            raise ValidationError(_("We deliver to: %(countries)s.", countries=names))

    def validate_postal_code(self, field: StringField) -> None:
        """Only what is sure: https://faq.usps.com/s/article/ZIP-Code-The-Basics"""
        if not field.data and self.country.data not in WITHOUT_CODE:
            raise ValidationError(_("Enter the postal code."))
        if self.country.data == "US" and not _ZIP_CODE.fullmatch(field.data):
            raise ValidationError(_("ZIP codes have 5 digits, or 9."))


def _names() -> dict[str, str]:
    locale = get_locale()
    return dict(locale.territories) if locale else {}
