"""Crops as files and as records: cut from a decoded picture, encoded once where that is enough.

=====================  ====================================  ===============================
name of the picture    the crop's file                       JPEG in the record
=====================  ====================================  ===============================
.jpg, .jpeg, others    JPEG, quality 75, 4:2:0               the same bytes
.png .bmp .tif .webp   its own kind, with Pillow's defaults  JPEG, quality 100
.gif                   its own kind, 256 colours             JPEG, quality 100
=====================  ====================================  ===============================

Quality 75 and 100 are the original's.  Neither carries orientation, place or time.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

_KINDS = {
    ".png": "PNG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}

_OF_A_PHOTOGRAPH, _OF_A_COPY = 75, 100


@dataclass(frozen=True, slots=True)
class Crop:
    """An encoded crop.

    Attributes:
        width: in pixels.
        height: in pixels.
        file: content of the crop's file.
        jpeg: content of the record; the same object as ``file`` where that is a JPEG.
    """

    width: int
    height: int
    file: bytes
    jpeg: bytes


def cut(picture: Image.Image, window: tuple[int, int, int, int], suffix: str) -> Crop:
    """Cut a window out of a picture and encode it.

    Args:
        picture: as ``imaging.open_upright`` gives it.
        window: left, top, right, bottom in pixels, inside the picture, not empty.
        suffix: of the picture's name, with its dot; decides the kind of file.
    """
    crop = picture.crop(window)
    kind = _KINDS.get(suffix.lower())
    if kind is None:
        jpeg = _encode(crop, "JPEG", quality=_OF_A_PHOTOGRAPH)
        return Crop(*crop.size, jpeg, jpeg)
    copy = _encode(crop, "JPEG", quality=_OF_A_COPY)
    return Crop(*crop.size, _encode(crop, kind), copy)


def _encode(image: Image.Image, kind: str, **options: int) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()
