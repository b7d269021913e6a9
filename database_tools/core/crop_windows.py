"""Where to cut a picture, for each geometry of ``crop_recipe``; boxes of any numbers.

The arithmetic is the originals' to the last bit, but on the picture's real size: the original of
2019 used the size in the annotations, which displaced crops where that was wrong.  Boxes are
(N, 4) rows (x, y, width, height) in [0, 1] of the displayed picture, whose size is in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core import boxes as box_rows

Pixels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one picture, a row for each box.

    Attributes:
        edges: (N, 4) int64, rows (left, top, right, bottom), right and bottom exclusive.  What
            reaches outside the picture is black, which only legacy squares do.
        sizes: (N, 2) int64, rows (width, height) of the crops.  Where a window is smaller than
            its crop it lies in its middle, in black.
    """

    edges: Pixels
    sizes: Pixels

    def __len__(self) -> int:
        return len(self.edges)

    @property
    def have_area(self) -> npt.NDArray[np.bool_]:
        """(N,) whether a window holds at least one pixel."""
        left, top, right, bottom = self.edges.T
        return (right > left) & (bottom > top)


def padded(boxes: npt.ArrayLike, width: int, height: int, padding: float) -> Windows:
    """Return the square around each box, ``padding`` times larger, cut off at the picture's edges.

    Returns:
        Windows as large as their crops.  What reaches outside is cut off, not shifted, so it may
        be an oblong; a square that lies outside, or is thinner than a pixel, has no area.

    Source: legacy make_classification_dataset.py; README, ``--padding_factor``.
    """
    size = np.array([height, width], np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        corners = box_rows.to_corners(boxes) * np.tile(size, 2)
        extent = corners[:, 2:] - corners[:, :2]
        margin = (padding * extent.max(axis=1, keepdims=True) - extent) / 2
        squares = np.hstack([corners[:, :2] - margin, corners[:, 2:] + margin])
    squares[~np.isfinite(extent).all(axis=1)] = 0  # a margin may be infinite
    # Truncated, not rounded; clipping first keeps absurd numbers within int64.
    clipped = np.clip(squares, 0, np.tile(size, 2)).astype(np.int64)
    return _whole(clipped[:, [1, 0, 3, 2]])


def tight(boxes: npt.ArrayLike, width: int, height: int) -> Windows:
    """Return the boxes themselves, each number truncated, cut off at the picture's edges.

    Source: legacy crop_detections.py.
    """
    corner, extent = _pixels(boxes, width, height)
    return _whole(np.hstack([corner, np.minimum(corner + extent, [width, height])]))


def square(boxes: npt.ArrayLike, width: int, height: int, *, legacy: bool = False) -> Windows:
    """Return the smallest square around each box, moved into the picture.

    In 200 x 100 pixels (.85, .2, .15, .6) is 30 x 60 at (170, 20), and gives (140, 20, 200, 80);
    ``legacy`` moves it so far that the *box* would fit, as the original does: (155, 20, 215, 80).

    Returns:
        Squares of the boxes' longer side.  Where that is more than the picture has, the window is
        as wide or high as the picture.  A box without any side has no area.

    Source: legacy crop_detections.py, ``--square-crops``.
    """
    picture = np.array([width, height])
    corner, extent = _pixels(boxes, width, height)
    side = extent.max(axis=1, keepdims=True, initial=0)
    start = corner - (side - extent) // 2
    start = np.maximum(0, np.minimum(start, picture - (extent if legacy else side)))
    return Windows(np.hstack([start, start + np.minimum(picture, side)]), side.repeat(2, axis=1))


def _whole(edges: Pixels) -> Windows:
    return Windows(edges, np.maximum(edges[:, 2:] - edges[:, :2], 0))


def _pixels(boxes: npt.ArrayLike, width: int, height: int) -> tuple[Pixels, Pixels]:
    """Return corners and extents (N, 2) in pixels, (x, y) and (width, height), truncated.

    A box outside the picture, or with a number that is none, has no extent.
    """
    rows = np.asarray(boxes, np.float64).reshape(-1, 4)
    near = np.isfinite(rows)
    near[:, :2] &= (rows[:, :2] < 1) & (rows[:, :2] > -rows[:, 2:])
    inside = np.clip(np.where(near.all(axis=1, keepdims=True), rows, 0), 0, 1)
    pixels = (inside * [width, height, width, height]).astype(np.int64)
    return pixels[:, :2], pixels[:, 2:]
