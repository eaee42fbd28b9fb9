"""The forms around signing in. Whether a password may be had says services.passwords."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from mountify.forms.base import ShopForm, in_ascii, no_control_characters
from mountify.forms.fields import canonical_address, email_field


def password_field(missing: str) -> PasswordField:
    """A password as it was typed: nothing is taken away from it."""
    long = _l("A password has at most %(most)s bytes: so many plain letters, or fewer of others.", most=72)
    return PasswordField(validators=[InputRequired(missing), Length(max=1000, message=long)])


class SignInForm(ShopForm):
    email = StringField(
        filters=[canonical_address],
        validators=[
            DataRequired(_l("Enter your email address.")),
            Length(max=254, message=_l("An email address has at most 254 characters.")),
            no_control_characters,
            in_ascii,
        ],
    )
    password = password_field(_l("Enter your password."))
    next = HiddenField()


class RegisterForm(ShopForm):
    email = email_field()
    password = password_field(_l("Choose a password."))
    next = HiddenField()


class ForgotPasswordForm(ShopForm):
    email = email_field()


class ResetPasswordForm(ShopForm):
    token = HiddenField()
    password = password_field(_l("Choose a password."))


class ConfirmForm(ShopForm):
    token = HiddenField()
    password = password_field(_l("Enter the password you chose."))


class NewAddressLinkForm(ShopForm):
    """The password is asked for where nobody is signed in to the account."""

    token = HiddenField()
    password = PasswordField(validators=[Length(max=1000)])


class ProofForm(ShopForm):
    password = password_field(_l("Enter your password."))
    next = HiddenField()
