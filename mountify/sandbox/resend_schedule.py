"""E-mails that wait for their time, on the sandbox's clock: https://resend.com/docs/dashboard/emails/schedule-email"""

from datetime import UTC, datetime
from typing import Any

from .resend_errors import ResendError, invalid
from .store import Doc

_FURTHEST_S = 30 * 24 * 3600


def scheduled_at(value: Any, now: int) -> int | None:
    """Return when to send, in seconds since the epoch; None for at once. Raises ResendError."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        seconds = int(moment.timestamp()) if moment.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        seconds = None
    if seconds is None:
        raise invalid("Invalid `scheduled_at` field. The sandbox reads ISO 8601 with a time zone.")
    if not now <= seconds <= now + _FURTHEST_S:
        raise invalid("The `scheduled_at` field must lie ahead, and within 30 days.")
    return seconds


def last_event(email: Doc, now: int) -> str:
    """Return what has happened to an e-mail by now."""
    if email.get("canceled"):
        return "canceled"
    return "scheduled" if (email.get("send_at") or 0) > now else "delivered"


def cancel(email: Doc, now: int) -> None:
    """Take back what still waits. Raises ResendError."""
    if last_event(email, now) != "scheduled":
        raise ResendError(422, "validation_error", "Only a scheduled email can be canceled.")
    email["canceled"] = True


def written(seconds: int | None) -> str | None:
    """Write a moment as Resend does."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()
