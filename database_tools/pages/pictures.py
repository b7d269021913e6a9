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
    content = io.BytesIO()
    copy.save(content, "JPEG", quality=_QUALITY)
    data = base64.b64encode(content.getvalue()).decode("ascii")
    return tag("img", alt=said, src=f"data:image/jpeg;base64,{data}")
