"""Decode and render pictures as Cloudinary does: https://cloudinary.com/documentation/transformation_reference"""

from __future__ import annotations

import io
import os
import re
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageOps

MOST_PIXELS = 40_000_000
LARGEST_PX = 4_000
FORMATS = {"avif": "AVIF", "webp": "WEBP", "jpg": "JPEG", "jpeg": "JPEG", "png": "PNG"}
TYPES = {"AVIF": "image/avif", "WEBP": "image/webp", "JPEG": "image/jpeg", "PNG": "image/png"}
_QUALITIES = {"auto": 80, "auto:best": 90, "auto:good": 80, "auto:eco": 60, "auto:low": 45}
_AVIF_IS_BETTER_BY = 15  # the same look needs a lower number there
_AVIF_SPEED = 8  # the default takes seconds
_MODES = ("limit", "fill", "scale")
_STEP = re.compile(r"(?P<name>[a-z]+)_(?P<value>[a-z0-9:.]+)")
_DENSITY = re.compile(r"[0-9](\.[0-9]{1,2})?")
_DENSEST = 5


class NoPicture(Exception):
    """These bytes are no picture this service takes."""


class BadTransformation(Exception):
    """This is no transformation the sandbox plays."""


@dataclass(frozen=True)
class Transformation:
    """What a delivery address asks for; sizes in pixels, 0 for as it is."""

    width: int = 0
    height: int = 0
    mode: str = "scale"
    quality: int = _QUALITIES["auto"]
    format: str = ""
    is_auto_format: bool = False
    density: float = 1.0

    @property
    def key(self) -> str:
        return f"{self.mode}-{self.width}x{self.height}@{self.density:g}-q{self.quality}.{self.format.lower()}"


@dataclass(frozen=True)
class Measured:
    """What a picture is; sizes in pixels, the way up its camera meant."""

    width: int
    height: int
    kind: str
    transparent: bool


def measure(content: bytes) -> Measured:
    """Decode a picture and say what it is. Raises NoPicture."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content)) as picture:
                if picture.format not in TYPES or picture.width * picture.height > MOST_PIXELS:
                    raise NoPicture
                picture.load()
                upright = ImageOps.exif_transpose(picture)
                return Measured(upright.width, upright.height, picture.format, upright.has_transparency_data)
        except NoPicture:
            raise
        except Exception as error:  # a decoder may raise anything at all for broken bytes
            raise NoPicture from error


def is_transformation(segment: str) -> bool:
    """Say whether a part of an address looks like a transformation rather than the name of a picture."""
    return all(_STEP.fullmatch(step) for step in segment.split(","))


def read(segments: list[str]) -> Transformation:
    """Read the transformations of an address, one after the other. Raises BadTransformation."""
    asked = Transformation()
    for step in (step for segment in segments for step in segment.split(",")):
        found = _STEP.fullmatch(step)
        if found is None:
            raise BadTransformation(f"Invalid transformation component - {step}")
        asked = _apply(asked, found["name"], found["value"], step)
    return asked


def render(content: bytes, asked: Transformation) -> bytes:
    """Render a picture in the size and format asked for, without what its camera knew."""
    with Image.open(io.BytesIO(content)) as original:
        picture = ImageOps.exif_transpose(original)
        picture = _sized(picture.convert("RGBA" if picture.has_transparency_data else "RGB"), asked)
        if asked.format == "JPEG" and picture.mode == "RGBA":
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
        out = io.BytesIO()
        match asked.format:
            case "AVIF":
                picture.save(out, "AVIF", quality=asked.quality - _AVIF_IS_BETTER_BY, speed=_AVIF_SPEED)
            case "PNG":
                picture.save(out, "PNG", optimize=True)
            case _:
                picture.save(out, asked.format, quality=asked.quality)
        return out.getvalue()


def write(path: Path, content: bytes) -> None:
    """Put a file on the disk whole or not at all, before anybody is told that it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _apply(asked: Transformation, name: str, value: str, step: str) -> Transformation:
    match name:
        case "w" | "h" if value.isascii() and value.isdigit() and 1 <= int(value) <= LARGEST_PX:
            return replace(asked, width=int(value)) if name == "w" else replace(asked, height=int(value))
        case "c" if value in _MODES:
            return replace(asked, mode=value)
        case "q" if value in _QUALITIES:
            return replace(asked, quality=_QUALITIES[value])
        case "q" if value.isdigit() and 1 <= int(value) <= 100:
            return replace(asked, quality=int(value))
        case "f" if value == "auto":
            return replace(asked, is_auto_format=True)
        case "f" if value in FORMATS:
            return replace(asked, format=FORMATS[value])
        case "dpr" if _DENSITY.fullmatch(value) and 0 < float(value) <= _DENSEST:
            return replace(asked, density=float(value))
    raise BadTransformation(f"Invalid transformation component - {step}")


def _sized(picture: Image.Image, asked: Transformation) -> Image.Image:
    if not asked.width and not asked.height:
        return picture
    ratio = picture.width / picture.height
    width = round((asked.width or asked.height * ratio) * asked.density)
    height = round((asked.height or asked.width / ratio) * asked.density)
    width, height = max(1, min(width, LARGEST_PX)), max(1, min(height, LARGEST_PX))
    match asked.mode:
        case "limit":
            scale = min(1, width / picture.width, height / picture.height)
            return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
        case "fill":
            return ImageOps.fit(picture, (width, height))
        case _:
            return picture.resize((width, height))
