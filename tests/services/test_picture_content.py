"""A file is a picture by what is in it; what the shop keeps is made anew from its pixels."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image, ImageCms

from mountify.core.errors import ShopError
from mountify.core.errors.pictures import NotAPicture, PictureTooBig, TooManyPixels
from mountify.services import pictures


def encoded(kind: str, size: tuple[int, int] = (40, 50), mode: str = "RGB", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.effect_noise(size, 80).convert(mode).save(file, kind, **options)
    return file.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises pixels that are not there."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def swapped_profile() -> bytes:
    """A colour profile that calls red what sRGB calls blue. https://www.color.org/specification/ICC.1-2022-05.pdf"""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.index(b"rXYZ"), profile.index(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(pictures.prepare(content).content))


@pytest.mark.parametrize(
    ("mode", "profile", "shown"),
    [
        ("RGB", b"", (250, 10, 10)),
        ("RGB", swapped_profile(), (10, 10, 250)),
        ("RGBA", swapped_profile(), (10, 10, 250)),
        ("RGB", b"no profile", (250, 10, 10)),
        ("RGB", swapped_profile()[:200], (250, 10, 10)),
        ("L", swapped_profile(), (82, 82, 82)),
    ],
    ids=["none", "another", "see-through", "nonsense", "half", "of-other-pixels"],
)
def test_colours_are_shown_as_they_were_meant(mode: str, profile: bytes, shown: tuple[int, int, int]) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 50), (250, 10, 10)).convert(mode).save(file, "PNG", icc_profile=profile)
    picture = opened(file.getvalue())
    assert "icc_profile" not in picture.info
    found = picture.convert("RGB").getpixel((20, 25))
    assert isinstance(found, tuple)
    assert all(abs(one - other) < 12 for one, other in zip(found, shown, strict=True)), found


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_four_kinds_are_taken_and_made_into_one(kind: str) -> None:
    picture = opened(encoded(kind))
    assert (picture.format, picture.size) == ("WEBP", (40, 50))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", NotAPicture),
        (b"no picture", NotAPicture),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><circle r="9"/></svg>', NotAPicture),
        (b"<!doctype html><script>alert(1)</script>" + encoded("JPEG"), NotAPicture),
        (encoded("JPEG") + b"<html><SCRIPT>alert(1)</SCRIPT>", NotAPicture),
        (encoded("JPEG", comment=b"<?php system('id'); ?>"), NotAPicture),
        (encoded("PNG") + b"%PDF-1.7", NotAPicture),
        (encoded("GIF"), NotAPicture),
        (encoded("TIFF"), NotAPicture),
        (encoded("BMP"), NotAPicture),
        (encoded("JPEG")[:-500], NotAPicture),
        (encoded("PNG")[:-500], NotAPicture),
        (encoded("WEBP")[:-500], NotAPicture),
        (png_of(40, 50), NotAPicture),
        (png_of(8001, 5000), TooManyPixels),
        (png_of(10_000, 10_000), TooManyPixels),
        (png_of(2**31 - 1, 2**31 - 1), TooManyPixels),
        (b"\xff" * (pictures.MOST_BYTES + 1), PictureTooBig),
    ],
)
def test_what_is_no_picture_or_too_much_of_one_is_refused(content: bytes, error: type[ShopError]) -> None:
    with pytest.raises(error):
        pictures.prepare(content)


def test_forty_megapixels_are_judged_by_the_header_before_anything_is_decoded() -> None:
    with pytest.raises(NotAPicture):
        pictures.prepare(png_of(8000, 5000))  # few enough to be looked at, and then it is empty


def test_what_the_camera_knew_is_gone_and_the_picture_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "Canary"
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    content = encoded("JPEG", exif=exif, xmp=b"<x:xmpmeta>Canary</x:xmpmeta>", comment=b"Canary")
    assert b"Canary" in content and Image.open(io.BytesIO(content)).getexif().get_ifd(0x8825)
    kept = pictures.prepare(content).content
    picture = Image.open(io.BytesIO(kept))
    assert picture.size == (50, 40) and not picture.getexif() and b"Canary" not in kept
    assert not {"exif", "xmp", "icc_profile", "comment"} & set(picture.info)


def test_of_what_moves_the_first_frame_is_kept() -> None:
    first, second = Image.new("RGB", (40, 50), "red"), Image.new("RGB", (40, 50), "blue")
    for kind in ("WEBP", "PNG"):
        file = io.BytesIO()
        first.save(file, kind, save_all=True, append_images=[second], duration=100)
        picture = opened(file.getvalue()).convert("RGB")
        assert getattr(picture, "n_frames", 1) == 1
        red, _green, blue = picture.resize((1, 1)).tobytes()
        assert red > 200 and blue < 50


@pytest.mark.parametrize("mode", ["L", "P", "1", "I;16", "LA", "RGBA", "CMYK", "YCbCr"])
def test_pictures_of_every_mode_are_taken(mode: str) -> None:
    kind = {"CMYK": "JPEG", "YCbCr": "JPEG"}.get(mode, "PNG")
    assert opened(encoded(kind, mode=mode)).size == (40, 50)


def test_one_can_still_see_through_what_one_could_see_through() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (40, 50), (9, 9, 9, 0)).save(file, "PNG")
    assert opened(file.getvalue()).mode == "RGBA" and pictures.prepare(file.getvalue()).color is None
    assert pictures.prepare(encoded("JPEG")).color is not None


def test_what_is_bigger_than_any_page_shows_is_made_smaller() -> None:
    assert opened(encoded("JPEG", (4800, 600))).size == (2400, 300)
