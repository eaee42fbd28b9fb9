"""The form before payment."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, StringField
from wtforms.validators import DataRequired, Email, Length, Regexp

from mountify.forms.base import ShopForm, no_control_characters


class CheckoutForm(ShopForm):
    email = StringField(
        filters=[lambda text: text.strip() if text else text],
        validators=[
            DataRequired(_l("Enter your email address.")),
            Length(max=254, message=_l("An email address has at most 254 characters.")),
            no_control_characters,
            Email(_l("Enter an email address such as sam@example.com.")),
        ],
    )
    checkout_key = HiddenField(
        validators=[
            DataRequired(_l("This page was too old. Please try again.")),
            Regexp(r"^[A-Za-z0-9_-]{43}$", message=_l("This page was too old. Please try again.")),
        ]
    )
