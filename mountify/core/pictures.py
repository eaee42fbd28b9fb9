"""Pictures that an image service keeps, and their addresses in other sizes."""

from __future__ import annotations

from dataclasses import dataclass

_UPLOADED = "/image/upload/"


@dataclass(frozen=True)
class StoredPicture:
    """A picture as the image service has it; `width` and `height` in pixels."""

    url: str
    public_id: str
    width: int
    height: int


def sized(url: str, width: int) -> str | None:
    """The address of a picture at Cloudinary, at most `width` px wide, in the best format the browser takes.

    None for a picture that lies elsewhere. https://cloudinary.com/documentation/transformation_reference
    """
    before, found, after = url.partition(_UPLOADED)
    return f"{before}{found}f_auto,q_auto:eco,c_limit,w_{width}/{after}" if found else None
