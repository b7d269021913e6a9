"""Smooth random fields: the clouds, soil, bark and fur of the demo world."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

Field = npt.NDArray[np.float32]


def smooth(rng: np.random.Generator, height: int, width: int, rows: int, columns: int) -> Field:
    """One octave: a coarse random grid of ``rows`` x ``columns`` values, enlarged.

    Returns:
        (height, width) float32, mean about 0, mostly within [-1, 1].
    """
    grid = rng.uniform(-1, 1, (rows + 1, columns + 1)).astype(np.float32)
    return resized(grid, height, width)


def octaves(
    rng: np.random.Generator,
    height: int,
    width: int,
    cells: float,
    count: int = 4,
    aspect: float = 1.0,
) -> Field:
    """Return ``count`` octaves, each of half the weight and twice the frequency of the last.

    The coarsest has ``cells`` blobs across, whose width over their height is ``aspect``.

    Returns:
        (height, width) float32, mean about 0, standard deviation about 0.4.
    """
    total = np.zeros((height, width), np.float32)
    for octave in range(count):
        columns = min(max(1, round(cells * 2**octave)), width)
        rows = min(max(1, round(cells * 2**octave * aspect * height / width)), height)
        total += smooth(rng, height, width, rows, columns) * 0.5**octave
    return total


def resized(field: Field, height: int, width: int) -> Field:
    """Resample a (rows, columns) float32 field to (height, width), bicubic."""
    picture = Image.fromarray(np.ascontiguousarray(field, np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC), np.float32)
