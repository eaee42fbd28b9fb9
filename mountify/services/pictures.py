"""What the shop finds out about a picture before the image service has it."""

from __future__ import annotations

import io


def average_color(content: bytes) -> str | None:
    """The colour of a picture seen from far away, such as "#d8d0c0"; None when one could see through it."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        if picture.has_transparency_data:
            return None
        red, green, blue = picture.convert("RGB").resize((1, 1), Image.Resampling.BOX).tobytes()
    return f"#{red:02x}{green:02x}{blue:02x}"
