"""What an email address may look like, and one way to write each."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

MOST_READ = 1000  # characters; what is longer is no address, and nobody looks at it for long


def canonical(text: str) -> str:
    """One way to write an address: of bücher.example and xn--bcher-kva.example the latter, which every mailer takes.

    What is no address, or can only be mailed to with letters beyond ASCII before the @, comes back as it was typed.
    """
    if len(text) > MOST_READ:
        return text
    try:
        return validate_email(text.strip(), check_deliverability=False).ascii_email or text.strip()
    except (EmailNotValidError, UnicodeError):
        return text.strip()


def is_address(text: str) -> bool:
    """Say whether mail can be sent there at all, as far as its spelling goes."""
    try:
        return bool(validate_email(text, check_deliverability=False, allow_smtputf8=False))
    except (EmailNotValidError, UnicodeError):
        return False
