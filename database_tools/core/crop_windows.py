"""Where to cut a picture: a square around each box, larger by a factor, clipped to the picture.

The arithmetic is the original's to the last bit, but on the picture's real size: the original
used the size in the annotations, which displaced crops where that was wrong.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from database_tools.core import boxes as box_rows


def around(boxes: npt.ArrayLike, width: int, height: int, padding: float) -> npt.NDArray[np.int64]:
    """Return the pixels to cut for each box.

    Args:
        boxes: (N, 4), rows (x, y, width, height) in [0, 1] of the displayed picture.
        width: of the picture in pixels.
        height: of the picture in pixels.
        padding: side of the square over the longer side of the box, at least 1.

    Returns:
        (N, 4) int64, rows (left, top, right, bottom), right and bottom exclusive.  A square that
        reaches outside is cut off there, not shifted, so it may be an oblong; one that lies
        outside, or is thinner than a pixel, has no area.

    Source: legacy make_classification_dataset.py; README, ``--padding_factor``.
    """
    size = np.array([height, width], np.float64)
    corners = box_rows.to_corners(boxes) * np.tile(size, 2)
    extent = corners[:, 2:] - corners[:, :2]
    margin = (padding * extent.max(axis=1, keepdims=True) - extent) / 2
    squares = np.hstack([corners[:, :2] - margin, corners[:, 2:] + margin])
    squares[~np.isfinite(squares).all(axis=1)] = 0
    # Truncated, not rounded; clipping first keeps absurd numbers within int64.
    clipped = np.clip(squares, 0, np.tile(size, 2)).astype(np.int64)
    return clipped[:, [1, 0, 3, 2]]


def have_area(windows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Say which of the windows (N, 4) hold at least one pixel: (N,) bool."""
    return (windows[:, 2] > windows[:, 0]) & (windows[:, 3] > windows[:, 1])
