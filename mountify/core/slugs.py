"""Readable parts of addresses."""

import re
import unicodedata


def slugify(text: str, *, most: int = 80) -> str:
    """Turn a name into lower-case words joined by hyphens; "item" when nothing is left."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")[:most].rstrip("-") or "item"


def part_number(product_id: int) -> str:
    """The number printed on drawings and lists: M-007, M-1234."""
    return f"M-{product_id:03d}"
