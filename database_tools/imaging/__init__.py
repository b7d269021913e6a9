"""THE image loader, and cutting and encoding crops.

Everything in the product that looks at a picture opens it here, so that boxes always refer to
the same pixels: those of the displayed picture.
"""

from database_tools.core.reasons import MAX_PIXELS
from database_tools.imaging.files import UnreadableImage, read
from database_tools.imaging.loader import FORMATS, load, open_upright
from database_tools.imaging.pillow import own_process

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "UnreadableImage",
    "load",
    "open_upright",
    "own_process",
    "read",
]
