"""What arrives as text, read one way everywhere."""

from __future__ import annotations

_LINES = str.maketrans("", "", "\r\n\t")
MOST_DIGITS = 18  # any number of them fits a BIGINT


def read_whole(text: str) -> int | None:
    """Read a whole number written in plain digits; None for signs, spaces, other scripts' digits and endless ones."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else None


def has_control_characters(text: str) -> bool:
    return any(map(_is_control, text))


def has_control_characters_but_lines(text: str) -> bool:
    """The same for a text of several lines."""
    return has_control_characters(text.translate(_LINES))


def without_control_characters(text: str) -> str:
    """Put spaces where characters are that no text of people holds, and that PostgreSQL or a mail would not take."""
    return "".join(" " if _is_control(character) else character for character in text)


def _is_control(character: str) -> bool:
    return ord(character) < 32 or 0xD800 <= ord(character) <= 0xDFFF
