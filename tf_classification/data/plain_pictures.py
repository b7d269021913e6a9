"""Encoded pictures that TensorFlow decodes as the image loader does, made of all that it reads.

TensorFlow's decoders do not know TIFF, WebP and PPM, look at no orientation tag, and have ways of
their own with CMYK, palettes and transparency.  JPEG of one or three colours and 8-bit PNG go to
them as they are, to be decoded in many threads, and JPEG only where it is needed.  Whatever else
there is, the loader decodes, and hands it on as BMP, which is nothing but pixels.
"""

from __future__ import annotations

import io
import math
import struct

from PIL import Image

from database_tools import imaging
from tf_classification.data import picture_size

_ORIENTATION = 0x0112
_PNG = struct.Struct(">8s4x4s8xBB")  # signature, IHDR, bits of a channel, kind of colour
_PALETTE = 3  # a kind of colour
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHUNKS = (b"eXIf", b"tRNS", b"acTL")  # turned, transparent, animated

_MOST_PIXELS = 2_000_000
"""Of what the loader hands on: a batch of it must not fill the memory, and no network sees more."""


def plain(encoded: bytes) -> bytes:
    """Return a picture that TensorFlow decodes to the loader's pixels.

    Returns:
        The file itself, or a BMP, made smaller by a whole number where it would have more than two
        million pixels; b"" if the loader refuses the file, for its size too.
    """
    if is_plain(encoded):
        return encoded if picture_size.read(encoded) != picture_size.UNREADABLE else b""
    try:
        picture = imaging.open_upright(encoded)
    except (imaging.UnreadableImage, MemoryError):
        return b""
    factor = math.ceil(math.sqrt(picture.width * picture.height / _MOST_PIXELS))
    if factor > 1:
        picture = picture.reduce(factor)
    content = io.BytesIO()
    picture.save(content, "BMP")
    return content.getvalue()


def is_plain(encoded: bytes) -> bool:
    """Say whether TensorFlow decodes a file as the loader does, if it is whole."""
    if picture_size.is_jpeg(encoded):
        return _is_plain_jpeg(encoded)
    if len(encoded) < _PNG.size:
        return False
    signature, chunk, bits, colour = _PNG.unpack_from(encoded)
    if (signature, chunk, bits) != (_SIGNATURE, b"IHDR", 8) or colour == _PALETTE:
        return False
    return not any(name in encoded for name in _PNG_CHUNKS)


def _is_plain_jpeg(encoded: bytes) -> bool:
    head = picture_size.jpeg_head(encoded)
    if head is None or head.colours not in (1, 3):
        return False
    return not (head.has_exif and _is_turned(encoded))


def _is_turned(encoded: bytes) -> bool:
    try:
        with Image.open(io.BytesIO(encoded), formats=("JPEG", "MPO")) as image:
            return image.getexif().get(_ORIENTATION, 1) != 1
    except Exception:  # Pillow's EXIF reader raises whatever the bytes make it stumble over
        return False
