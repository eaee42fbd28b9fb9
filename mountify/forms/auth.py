"""The sign-in form."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, Length

from mountify.forms.base import ShopForm, no_control_characters


class SignInForm(ShopForm):
    email = StringField(
        filters=[lambda text: text.strip() if text else text],
        validators=[DataRequired(_l("Enter your email address.")), Length(max=254), no_control_characters],
    )
    password = PasswordField(validators=[DataRequired(_l("Enter your password.")), Length(max=1000)])
    next = HiddenField()
