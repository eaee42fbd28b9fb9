"""What stands in for a picture until it is there."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from mountify.core.pictures import TONES, tone
from mountify.services.pictures import average_color
from mountify.web.assets import STATIC


def picture(color: object, mode: str = "RGB", kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.new(mode, (20, 25), color).save(file, kind)  # type: ignore[arg-type]
    return file.getvalue()


def test_a_picture_has_the_colour_it_has_from_far_away() -> None:
    assert average_color(picture((216, 208, 190))) == "#d8d0be"
    half = Image.new("RGB", (20, 20), (0, 0, 0))
    half.paste((200, 100, 50), (0, 0, 10, 20))
    file = io.BytesIO()
    half.save(file, "PNG")
    assert average_color(file.getvalue()) == "#643219"
    assert average_color(picture(128, "L")) == "#808080"


def test_nothing_stands_in_for_a_picture_one_sees_through() -> None:
    assert average_color(picture((1, 2, 3, 0), "RGBA")) is None
    assert tone(None) == tone("") == ""


@pytest.mark.parametrize(
    ("color", "name"), [("#ffffff", "pk"), ("#000000", "pa"), ("#d8d0be", "pi"), ("#c8a48a", "ph")]
)
def test_the_closest_tone_is_taken(color: str, name: str) -> None:
    assert tone(color) == name


def test_the_style_sheet_knows_every_tone() -> None:
    rules = re.findall(r"\.(p\w) \{ --tone: #(\w{6}); \}", (STATIC / "css" / "tokens.css").read_text("utf-8"))
    assert {name: tuple(bytes.fromhex(color)) for name, color in rules} == TONES
