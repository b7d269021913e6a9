"""Small pictures inside a page, as text: nothing to load, and nothing in them but pixels."""

from __future__ import annotations

import base64
import io

from markupsafe import Markup
from PIL import Image

from database_tools.pages.html import tag

_QUALITY = 75


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
