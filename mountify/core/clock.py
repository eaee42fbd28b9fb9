"""The only clock. Whatever decides by time takes `now` as an argument; this is where it comes from."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    return datetime.now(UTC)
