"""THE image loader, and cutting and encoding crops.

Everything in the product that looks at a picture opens it here, so that boxes always refer to
the same pixels: those of the displayed picture.
"""

from database_tools.core.picture_limits import MAX_PIXELS
from database_tools.imaging.loader import REASONS, UnreadableImage, load, open_upright

__all__ = ["MAX_PIXELS", "REASONS", "UnreadableImage", "load", "open_upright"]
