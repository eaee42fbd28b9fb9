"""The form before payment."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField
from wtforms.validators import DataRequired, Regexp

from mountify.core.tokens import SHAPE
from mountify.forms.base import ShopForm
from mountify.forms.fields import email_field


class CheckoutForm(ShopForm):
    email = email_field()
    checkout_key = HiddenField(
        validators=[
            DataRequired(_l("This page was too old. Please try again.")),
            Regexp(rf"{SHAPE}\Z", message=_l("This page was too old. Please try again.")),
        ]
    )
