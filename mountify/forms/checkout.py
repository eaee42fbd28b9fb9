"""The form before payment."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms.validators import DataRequired, NumberRange, Optional

from mountify.core.errors.accounts import UnknownAddress
from mountify.core.ids import BIGGEST_ID
from mountify.forms.base import ShopForm, WholeNumber
from mountify.forms.fields import TOO_OLD, email_field, key_field

UNKNOWN = _l(UnknownAddress.message)


class AddressNumber(WholeNumber):
    complaint = UNKNOWN


class CheckoutForm(ShopForm):
    email = email_field()
    address_id = AddressNumber(validators=[Optional(), NumberRange(1, BIGGEST_ID, UNKNOWN)])
    checkout_key = key_field(DataRequired(TOO_OLD))
