"""What the owner of an account changes."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import Length, StopValidation

from mountify.forms.auth import password_field
from mountify.forms.base import ShopForm, no_control_characters, stripped
from mountify.forms.fields import email_field


def present(form: Any, field: Any) -> None:
    """A name may be empty, and not be left out: whoever leaves it out does not mean to lose it."""
    if not field.raw_data:
        raise StopValidation(gettext("Say which name, be it none."))


class ProfileForm(ShopForm):
    name = StringField(
        filters=[stripped],
        validators=[present, Length(max=120, message=_l("A name has at most 120 characters.")), no_control_characters],
    )


class ChangePasswordForm(ShopForm):
    current_password = password_field(_l("Enter your current password."))
    new_password = password_field(_l("Choose a password."))


class NewAddressForm(ShopForm):
    email = email_field()
