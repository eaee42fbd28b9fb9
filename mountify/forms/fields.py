"""Fields that several forms ask for in the same words."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import DataRequired, Email, Length

from mountify.forms.base import no_control_characters


def email_field() -> StringField:
    return StringField(
        filters=[lambda text: text.strip() if text else text],
        validators=[
            DataRequired(_l("Enter your email address.")),
            Length(max=254, message=_l("An email address has at most 254 characters.")),
            no_control_characters,
            Email(_l("Enter an email address such as sam@example.com.")),
        ],
    )
