"""Ids in addresses: whole numbers that a BIGINT can hold, and hashes; anything else is an unknown page."""

from __future__ import annotations

from werkzeug.routing import BaseConverter, ValidationError

from mountify.core.ids import BIGGEST_ID


class IdConverter(BaseConverter):
    regex = r"[1-9][0-9]{0,18}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if number > BIGGEST_ID:
            raise ValidationError
        return number

    def to_url(self, value: int) -> str:
        return str(value)


class HashConverter(BaseConverter):
    """SHA-256 in hex."""

    regex = r"[0-9a-f]{64}"
