"""The forms around signing in. Whether a password may be had says services.passwords."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, Length

from mountify.forms.base import ShopForm, no_control_characters
from mountify.forms.fields import canonical_address, email_field


def password_field(missing: str) -> PasswordField:
    """A password as it was typed: nothing is taken away from it."""
    long = _l("A password has at most %(most)s bytes: so many plain letters, or fewer of others.", most=72)
    return PasswordField(validators=[InputRequired(missing), Length(max=1000, message=long)])


class SignInForm(ShopForm):
    email = StringField(
        filters=[canonical_address],
        validators=[DataRequired(_l("Enter your email address.")), Length(max=254), no_control_characters],
    )
    password = password_field(_l("Enter your password."))
    next = HiddenField()


class RegisterForm(ShopForm):
    email = email_field()
    password = password_field(_l("Choose a password."))


class ForgotPasswordForm(ShopForm):
    email = email_field()


class ResetPasswordForm(ShopForm):
    token = HiddenField()
    password = password_field(_l("Choose a password."))


class ConfirmForm(ShopForm):
    token = HiddenField()
    password = password_field(_l("Enter the password you chose."))


class LinkForm(ShopForm):
    token = HiddenField()


class ProofForm(ShopForm):
    password = password_field(_l("Enter your password."))
    next = HiddenField()
