"""The forms around a sign-in with Google."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from mountify.forms.auth import password_field
from mountify.forms.base import ShopForm


class StartForm(ShopForm):
    purpose = HiddenField()
    next = HiddenField()


class JoinForm(ShopForm):
    password = password_field(_l("Enter your password."))
