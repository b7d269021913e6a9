"""Height and width of an encoded picture, from its head alone.

For JPEG it costs some microseconds; Pillow's ``open`` takes ten times as long, which a training
input of thousands of pictures a second would feel.
"""

from __future__ import annotations

import codecs
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

_HEAD = 1000
"""Bytes by which a text is known."""


def read(encoded: bytes) -> tuple[int, int]:
    """Return (height, width) in pixels, or ``UNREADABLE`` if there is no such picture.

    A picture with a size may still turn out to be broken when it is decoded.
    """
    height, width = _jpeg(encoded) if is_jpeg(encoded) else _other(encoded)
    return (height, width) if 0 < height * width <= MAX_PIXELS else UNREADABLE


def problem(encoded: bytes) -> str:
    """Say why there is no such picture; nothing if there is."""
    height, width = _jpeg(encoded) if is_jpeg(encoded) else _other(encoded)
    if height * width > MAX_PIXELS:
        return f"it has more than {MAX_PIXELS:,} pixels"
    if height * width > 0:
        return ""
    if not encoded:
        return "it is empty"
    return "it is a text, not a picture" if _is_text(encoded) else "it is no picture, or damaged"


def _is_text(encoded: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:  # the end of what is looked at may be within a letter
        text = decoder.decode(encoded[:_HEAD], final=len(encoded) <= _HEAD)
    except UnicodeDecodeError:
        return False
    return all(letter.isprintable() or letter in "\n\r\t\ufeff" for letter in text)


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
    except Image.DecompressionBombError:  # which says no size
        return MAX_PIXELS + 1, 1
    except Exception:  # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error, ...
        return UNREADABLE
