"""Fields that several forms ask for in the same words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import DataRequired, Email, Length

from mountify.forms.base import no_control_characters
from mountify.services.email_addresses import canonical


def canonical_address(text: str | None) -> str | None:
    return canonical(text) if text else text


def email_field() -> StringField:
    return StringField(
        filters=[canonical_address],
        validators=[
            DataRequired(_l("Enter your email address.")),
            Length(max=254, message=_l("An email address has at most 254 characters.")),
            no_control_characters,
            Email(_l("Enter an email address such as sam@example.com."), allow_smtputf8=False),
        ],
    )
