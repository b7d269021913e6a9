"""Small pictures inside a page, as text: nothing to load, and nothing in them but pixels."""

from __future__ import annotations

import base64
import io

import numpy.typing as npt
from markupsafe import Markup
from PIL import Image, ImageDraw

from database_tools.core import boxes as box_rows
from database_tools.pages.html import tag

_QUALITY = 75
_COVER = (128, 128, 128)


def small(image: Image.Image, side: int, said: str = "") -> Markup:
    """Write a picture whose longer side has at most so many pixels; ``said`` for who sees none."""
    copy = image.copy()
    copy.thumbnail((side, side))
    return tag("img", alt=said, src=address(copy))


def address(image: Image.Image) -> str:
    """Write a picture as a JPEG in a ``data:`` address."""
    content = io.BytesIO()
    image.save(content, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode("ascii")


def cover(image: Image.Image, boxes: npt.ArrayLike) -> None:
    """Draw grey over boxes of people, (N, 4) rows (x, y, width, height) in [0, 1]."""
    draw = ImageDraw.Draw(image)
    for x, y, width, height in box_rows.to_pixels(boxes, *image.size).tolist():
        draw.rectangle((x, y, x + width, y + height), fill=_COVER)
