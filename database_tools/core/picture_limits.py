"""How large a picture may be."""

MAX_PIXELS = 200_000_000
"""Width times height that is still decoded, unless told otherwise: 0.8 GB as Pillow holds it."""
