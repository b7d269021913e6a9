"""Boxes and their conventions; everything inside the product uses the first one.

================  ==================================  =========================
convention        row                                 who speaks it
================  ==================================  =========================
relative xywh     x, y, width, height in [0, 1]       ours, MegaDetector's JSON
relative corners  ymin, xmin, ymax, xmax in [0, 1]    TensorFlow detectors
pixel xywh        x, y, width, height in pixels       COCO
================  ==================================  =========================

All refer to the displayed picture, orientation applied, origin at the top left.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float64]

_SWAPPED = np.array([1, 0, 3, 2])  # x and y, end and end: of corners, of boxes


def from_corners(corners: npt.ArrayLike) -> Boxes:
    """Turn TensorFlow's corners (N, 4) into relative xywh, N may be 0.

    Returns:
        (N, 4) float64.  The differences of float32 values are taken in float64, where they
        are exact, so that ``to_corners`` gives the same corners back.
    """
    boxes = np.asarray(corners, np.float64).reshape(-1, 4).take(_SWAPPED, axis=1)
    boxes[:, 2:] -= boxes[:, :2]
    return boxes


def to_corners(boxes: npt.ArrayLike) -> Boxes:
    """Turn relative xywh (N, 4) into TensorFlow's corners (N, 4), float64."""
    corners = np.asarray(boxes, np.float64).reshape(-1, 4).take(_SWAPPED, axis=1)
    corners[:, 2:] += corners[:, :2]
    return corners


def to_pixels(boxes: npt.ArrayLike, width: int, height: int) -> Boxes:
    """Turn relative xywh (N, 4) into COCO's pixel xywh (N, 4) of a width x height picture."""
    return np.asarray(boxes, np.float64).reshape(-1, 4) * [width, height, width, height]


def from_pixels(boxes: npt.ArrayLike, width: int, height: int) -> Boxes:
    """Turn COCO's pixel xywh (N, 4) into relative xywh (N, 4) of a width x height picture."""
    return np.asarray(boxes, np.float64).reshape(-1, 4) / [width, height, width, height]


def iou(first: npt.ArrayLike, second: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Intersection over union of every box of ``first`` (N, 4) with every one of ``second`` (M, 4).

    Returns:
        (N, M) in [0, 1]; 0 where both boxes are empty.
    """
    a = np.asarray(first, np.float64).reshape(-1, 1, 4)
    b = np.asarray(second, np.float64).reshape(1, -1, 4)
    start = np.maximum(a[..., :2], b[..., :2])
    end = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    shared = np.clip(end - start, 0, None).prod(axis=-1)
    union = a[..., 2:].prod(axis=-1) + b[..., 2:].prod(axis=-1) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
