"""Takes crops out of a decoded picture, and encodes them.

=====================  ======================================
name of the picture    kind of file for ``kind_of``
=====================  ======================================
.jpg, .jpeg, others    JPEG, 4:2:0
.png .bmp .tif .webp   its own kind, with Pillow's defaults
.gif                   its own kind, 256 colours
=====================  ======================================

Nothing that is encoded here carries orientation, place or time.
"""

from __future__ import annotations

import io

from PIL import Image

JPEG = "JPEG"

_KINDS = {
    ".png": "PNG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}

_LONGEST = {JPEG: 65500, "WEBP": 16383, "GIF": 65535}
"""Pixels along a side that an encoder takes; asked first, as JPEG's prints a line of its own."""


def kind_of(name: str) -> str:
    """Return the kind of file, as Pillow calls it, of a picture of this name."""
    file = name.rpartition("/")[2]
    return _KINDS.get(file[file.rfind(".") :].lower() if "." in file else "", JPEG)


def take(
    picture: Image.Image, window: tuple[int, int, int, int], size: tuple[int, int]
) -> Image.Image:
    """Take a crop out of a picture.

    Args:
        picture: as ``imaging.open_upright`` gives it.
        window: left, top, right, bottom in pixels, not empty; black where it reaches outside.
        size: width and height of the crop; where that is more than the window, the window is in
            its middle, in black.
    """
    crop = picture.crop(window)
    if crop.size == size:
        return crop
    # As Pillow's ``ImageOps.pad`` does it, which halves to the even number.
    left, top = (round((whole - part) * 0.5) for whole, part in zip(size, crop.size, strict=True))
    canvas = Image.new(crop.mode, size)
    canvas.paste(crop, (left, top))
    return canvas


def encode(image: Image.Image, kind: str, quality: int | None = None) -> bytes | None:
    """Encode a crop in mode RGB; None if this kind of file cannot hold it."""
    if max(image.size) > _LONGEST.get(kind, max(image.size)):
        return None
    content = io.BytesIO()
    try:
        image.save(content, kind, **({"quality": quality} if kind == JPEG else {}))
    except (OSError, ValueError, OverflowError):  # a limit that we have not met
        return None
    return content.getvalue()
