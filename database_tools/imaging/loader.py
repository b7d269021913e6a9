"""Opens a picture as it is displayed: upright, 8-bit RGB.

What happens to what real folders hold:

=====================  ====================================================================
EXIF orientation       applied, also for mirrored ones; a broken EXIF block counts as none
grey, 1 bit, palette   spread over three channels
16-bit grey            scaled: the high byte is kept, nothing is clipped
32-bit and float grey  scaled from the smallest of the ranges in ``_FULL_SCALE`` that holds it
CMYK, YCbCr, LAB       converted
alpha                  dropped, not blended: the colours below it are the picture
several frames         the first one (GIF, TIFF, MPO)
truncated              refused: filling up with grey would look like background to a detector
other kinds of files   refused; formats whose readers start programs (EPS) are never opened
=====================  ====================================================================
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from database_tools.core import reasons
from database_tools.core.reasons import MAX_PIXELS
from database_tools.imaging import files, pillow
from database_tools.imaging.files import UnreadableImage

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM")

_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")

_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_FULL_SCALE = {"I": (65535.0, 2.0**31 - 1), "F": (1.0, 255.0, 65535.0, 2.0**32)}


def load(source: str | Path | bytes, max_pixels: int = MAX_PIXELS) -> npt.NDArray[np.uint8]:
    """Load a picture as it is displayed.

    Args:
        source: path of a file, or its content.
        max_pixels: width times height that is still decoded.

    Returns:
        (height, width, 3) uint8, RGB, writable.

    Raises:
        UnreadableImage: with the reason, if there is no such picture to be had.
    """
    return np.array(open_upright(source, max_pixels))


def open_upright(source: str | Path | bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Load a picture as a decoded Pillow image in mode RGB; otherwise as ``load``.

    Cutting from Pillow's image saves the copy to an array, a fifth of the time to decode it.
    Its ``info`` is emptied: what is cut from it carries no EXIF, colour profile or comment.
    """
    content = source if isinstance(source, bytes) else files.read(source, max_pixels)
    if not content:
        raise UnreadableImage(reasons.EMPTY)
    try:
        return _decode(content, max_pixels)
    except UnidentifiedImageError:
        known = content.startswith(_MAGIC)
        raise UnreadableImage(reasons.CORRUPT if known else reasons.NOT_AN_IMAGE) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UnreadableImage(reasons.TOO_LARGE) from None  # Pillow's limit, in another's process
    except (UnreadableImage, MemoryError):
        raise
    except Exception as error:
        # Pillow's readers raise OSError, SyntaxError, ValueError, struct.error, zlib.error, ...
        cut_off = "truncated" in str(error).lower()
        raise UnreadableImage(reasons.TRUNCATED if cut_off else reasons.CORRUPT) from error


def _decode(content: bytes, max_pixels: int) -> Image.Image:
    with pillow.strict(), Image.open(io.BytesIO(content), formats=FORMATS) as image:
        if image.width * image.height > max_pixels:
            raise UnreadableImage(reasons.TOO_LARGE)
        image.load()
        # Asked after loading: Pillow turns TIFFs itself and then forgets their tag.
        turn = _UPRIGHT.get(_orientation(image))
        picture = _to_rgb(image)
        picture = picture.transpose(turn) if turn is not None else picture
    picture.info = {}
    return picture


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # Pillow's EXIF reader raises whatever the bytes make it stumble over
        return 1
    return value if isinstance(value, int) else 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode.startswith("I;16"):
        return _grey(np.asarray(image) >> 8)
    if image.mode in _FULL_SCALE:
        values = np.nan_to_num(np.asarray(image, np.float64), posinf=0.0, neginf=0.0).clip(0)
        largest = values.max(initial=0)
        full = next((scale for scale in _FULL_SCALE[image.mode] if largest <= scale), largest)
        return _grey(values * (255 / full))
    if image.mode in ("P", "PA"):
        # By way of RGBA: Pillow would paint a palette's transparent entry black.
        image = image.convert("RGBA")
    return image.convert("RGB")


def _grey(values: npt.NDArray[np.generic]) -> Image.Image:
    return Image.fromarray(values.astype(np.uint8)).convert("RGB")
