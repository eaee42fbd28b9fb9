"""Readable parts of addresses."""

import itertools
import re
import unicodedata
from collections.abc import Callable


def slugify(text: str, *, most: int = 80) -> str:
    """Turn a name into lower-case words joined by hyphens; "item" when nothing is left."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")[:most].rstrip("-") or "item"


def first_free(slug: str, is_taken: Callable[[str], bool]) -> str:
    """The slug itself, or the first of it with "-2", "-3" and so on that nobody has."""
    numbered = (f"{slug}-{number}" for number in itertools.count(2))
    return next(each for each in itertools.chain([slug], numbered) if not is_taken(each))


def part_number(product_id: int) -> str:
    """The number printed on drawings and lists: M-007, M-1234."""
    return f"M-{product_id:03d}"
