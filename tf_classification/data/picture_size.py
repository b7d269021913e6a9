"""Height and width of an encoded picture, from its head alone.

For JPEG it costs some microseconds; Pillow's ``open`` takes ten times as long, which a training
input of thousands of pictures a second would feel.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from database_tools.imaging import FORMATS, MAX_PIXELS

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers that start a frame and hold its size; the others in the range are tables."""

_APP1 = 0xE1

_SEGMENT = struct.Struct(">BBHxHH")
"""0xFF, marker, length; in a frame: bits per sample, height, width."""

UNREADABLE = (0, 0)


def read(encoded: bytes) -> tuple[int, int]:
    """Return (height, width) in pixels, or ``UNREADABLE`` if there is no such picture.

    A picture with a size may still turn out to be broken when it is decoded.
    """
    height, width = _jpeg(encoded) if is_jpeg(encoded) else _other(encoded)
    return (height, width) if 0 < height * width <= MAX_PIXELS else UNREADABLE


def read_all(encoded: Sequence[bytes]) -> npt.NDArray[np.int32]:
    """Return the heights and widths of B pictures, (B, 2) int32."""
    return np.array([read(picture) for picture in encoded], np.int32).reshape(-1, 2)


def is_jpeg(encoded: bytes) -> bool:
    """Say whether these bytes begin as a JPEG, by TensorFlow's rule."""
    return encoded.startswith(b"\xff\xd8\xff")


class JpegHead(NamedTuple):
    """What stands before a JPEG's pixels: its size, colours of a pixel, and whether it has EXIF."""

    height: int
    width: int
    colours: int
    has_exif: bool


def jpeg_head(encoded: bytes) -> JpegHead | None:
    """Read the head of a JPEG; None if there is no frame in it."""
    position, has_exif = 2, False
    while position + _SEGMENT.size < len(encoded):
        start, marker, length, height, width = _SEGMENT.unpack_from(encoded, position)
        if start != 0xFF:
            return None
        if marker in _FRAMES:
            return JpegHead(height, width, encoded[position + _SEGMENT.size], has_exif)
        has_exif |= marker == _APP1 and encoded[position + 4 : position + 8] == b"Exif"
        # 0xFF may be repeated before a marker.
        position += 1 if marker == 0xFF else 2 + length
    return None


def _jpeg(encoded: bytes) -> tuple[int, int]:
    head = jpeg_head(encoded)
    return UNREADABLE if head is None else head[:2]


def _other(encoded: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(encoded), formats=FORMATS) as image:
            return image.height, image.width
    except Exception:  # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error, ...
        return UNREADABLE
