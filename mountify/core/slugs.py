"""Readable parts of addresses."""

import re
import unicodedata

from mountify.core.texts import read_whole


def slugify(text: str, *, most: int = 80) -> str:
    """Turn a name into lower-case words joined by hyphens; "item" when nothing is left."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")[:most].rstrip("-") or "item"


def part_number(product_id: int) -> str:
    """The number printed on drawings and lists: M-007, M-1234."""
    return f"M-{product_id:03d}"


def read_part_number(text: str) -> int | None:
    """Read a product's id from its number, in either case, with or without the M; None for other words."""
    return read_whole(text.strip().lower().removeprefix("m-"))
