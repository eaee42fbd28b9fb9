"""Pictures that an image service keeps, their addresses in other sizes, and what stands in until they are there."""

from __future__ import annotations

import re
from dataclasses import dataclass

_UPLOADED = "/image/upload/"

# Where at the image service our own pictures lie. Its account may keep other things as well.
UPLOADS, DEMO = "products/", "demo/"

# What a page can paint without a style of its own: one class each in tokens.css, from dark to light, cool to warm.
TONES: dict[str, tuple[int, int, int]] = {
    "pa": (64, 66, 68),
    "pb": (124, 132, 138),
    "pc": (150, 144, 132),
    "pd": (150, 104, 78),
    "pe": (104, 124, 88),
    "pf": (188, 196, 200),
    "pg": (198, 196, 182),
    "ph": (200, 168, 140),
    "pi": (216, 208, 190),
    "pj": (226, 202, 176),
    "pk": (228, 228, 224),
}


@dataclass(frozen=True)
class StoredPicture:
    """A picture as the image service has it; `width` and `height` in pixels."""

    url: str
    public_id: str
    width: int
    height: int


def is_ours(public_id: str) -> bool:
    """Whether the shop has put it there, and may destroy it."""
    return public_id.startswith((UPLOADS, DEMO))


def sized(url: str, width: int) -> str | None:
    """The address of a picture at Cloudinary, at most `width` px wide, in the best format the browser takes.

    None for a picture that lies elsewhere. https://cloudinary.com/documentation/transformation_reference
    """
    before, found, after = url.partition(_UPLOADED)
    return f"{before}{found}f_auto,q_auto:eco,c_limit,w_{width}/{after}" if found else None


def public_id_of(url: str) -> str | None:
    """The name of a picture at Cloudinary, by its address; None for one that lies elsewhere."""
    _before, found, after = url.partition(_UPLOADED)
    named = re.fullmatch(r"(?:v[0-9]+/)?(.+?)(?:\.[a-z0-9]+)?", after) if found else None
    return named[1] if named else None


def tone(color: str | None) -> str:
    """The class that paints what comes closest to a colour such as "#d8d0c0"; nothing for no colour."""
    if not color:
        return ""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return min(TONES, key=lambda name: _distance(TONES[name], (red, green, blue)))


def _distance(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
