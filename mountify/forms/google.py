"""The forms around a sign-in with Google."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField
from wtforms.validators import DataRequired, Length

from mountify.forms.base import ShopForm


class StartForm(ShopForm):
    purpose = HiddenField()
    next = HiddenField()


class JoinForm(ShopForm):
    password = PasswordField(validators=[DataRequired(_l("Enter your password.")), Length(max=1000)])
