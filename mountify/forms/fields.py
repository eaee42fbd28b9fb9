"""Fields that several forms ask for in the same words."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import DataRequired, Email, Length

from mountify.forms.base import no_control_characters

MOST_READ = 1000


def canonical_address(text: str | None) -> str | None:
    """One way to write an address: of bücher.example and xn--bcher-kva.example the latter, which every mailer takes."""
    if not text or len(text) > MOST_READ:
        return text
    try:
        found = validate_email(text.strip(), check_deliverability=False)
    except (EmailNotValidError, UnicodeError):
        return text.strip()
    return found.ascii_email or found.normalized


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
