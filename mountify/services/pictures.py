"""What the shop finds out about a picture before the image service has it, and what it makes of it."""

from __future__ import annotations

import io
import struct
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mountify.core.errors.pictures import NotAPicture, PictureTooBig, TooManyPixels

if TYPE_CHECKING:
    from PIL.Image import Image as Pixels

MOST_BYTES = 5 * 1024 * 1024
MOST_PIXELS = 40_000_000
LONGEST_SIDE = 2400  # more than any page shows
QUALITY = 90
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")

# A picture that a browser or a server could be talked into reading as something else. Long enough not to occur by
# chance in five megabytes of compressed pixels; XMP, which cameras write, has none of it.
_SOMETHING_ELSE = (b"<script", b"<!doctype", b"</html>", b"<iframe", b"<?php ", b"%pdf-1.")
# What broken files make Pillow raise, as its own documentation and its tests have it.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    struct.error,
    MemoryError,
    RuntimeError,
)
_DECODING = threading.Semaphore(1)  # forty megapixels take some hundred megabytes: one at a time in each process


@dataclass(frozen=True)
class Prepared:
    """A picture made anew from its pixels: nothing of the file that was sent is in it. `color` as of average_color."""

    content: bytes
    color: str | None


def prepare(content: bytes) -> Prepared:
    """Decode a picture, and encode its first frame again, upright and without what else the file knew.

    What it is, its pixels say, not its name. Raises NotAPicture, PictureTooBig or TooManyPixels.
    """
    from PIL import Image, ImageOps

    if len(content) > MOST_BYTES:
        raise PictureTooBig
    known = content.lower()
    if any(mark in known for mark in _SOMETHING_ELSE):
        raise NotAPicture
    try:
        with _DECODING, Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            width, height = picture.size  # of the header: nothing is decoded yet
            if width * height > MOST_PIXELS:
                raise TooManyPixels
            upright = ImageOps.exif_transpose(picture)
            bare = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
            bare.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            out = io.BytesIO()
            _in_srgb(bare, picture.info.get("icc_profile")).save(
                out, "WEBP", quality=QUALITY, exif=b"", xmp=b"", icc_profile=b""
            )
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    except _BROKEN as error:
        raise NotAPicture from error
    return Prepared(out.getvalue(), average_color(out.getvalue()))


def _in_srgb(picture: Pixels, profile: bytes | None) -> Pixels:
    """The colours as they were meant, for who does not know the profile; one that cannot be read says nothing."""
    from PIL import ImageCms

    if not profile:
        return picture
    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(picture, meant, ImageCms.createProfile("sRGB"))
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
    return shown or picture


def average_color(content: bytes) -> str | None:
    """The colour of a picture seen from far away, such as "#d8d0c0"; None when one could see through it."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        if picture.has_transparency_data:
            return None
        red, green, blue = picture.convert("RGB").resize((1, 1), Image.Resampling.BOX).tobytes()
    return f"#{red:02x}{green:02x}{blue:02x}"
