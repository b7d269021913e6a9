"""The arithmetic around a YOLO network: a picture into its input, and its output into Detections.

The input is a square of grey in which the scaled picture lies in the middle ("letterbox").  The
output is one of three, for N boxes and n classes, all in pixels of that input:

===============  ==============================================  ==============================
``OBJECTNESS``   (N, 5 + n): centre x, y, width, height,         YOLOv5 and MegaDetector 5
                 objectness, a score for each class
``PLAIN``        (4 + n, N): centre x, y, width, height, scores  Ultralytics 8 and later
``FINAL``        (N, 6): x, y, x, y of corners, score, class     both with NMS built in, YOLOv10
===============  ==============================================  ==============================
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from database_tools.core import boxes as box_rows
from database_tools.core import detection_numbers, reasons
from database_tools.core.detections import LEAST_CONFIDENCE, Detections, Failure, Found
from database_tools.detectors.detector import Image

Floats = npt.NDArray[np.float64]

OBJECTNESS, PLAIN, FINAL = "objectness", "plain", "final"

OVERLAP = 0.45
"""Intersection over union from which on the less sure of two boxes of a class is dropped."""

MOST_BOXES = 300
_MOST_CANDIDATES = 3000
_GREY = 114
_STRIDES = (8, 16, 32, 64)
_ANCHORS = 3


class Place(NamedTuple):
    """Where in the input a picture lies, in pixels."""

    left: int
    top: int
    width: int
    height: int


def letterbox(image: Image, width: int, height: int) -> tuple[npt.NDArray[np.float32], Place]:
    """Scale a picture (h, w, 3) into the middle of a grey input of a size.

    Returns:
        (3, height, width) in [0, 1], and where the picture lies in it.

    Source: YOLOv5, ``letterbox``: the same scale both ways, whole pixels, grey 114.
    """
    scale = min(width / image.shape[1], height / image.shape[0])
    wide, high = (max(1, round(side * scale)) for side in (image.shape[1], image.shape[0]))
    place = Place((width - wide) // 2, (height - high) // 2, wide, high)
    filled = np.full((height, width, 3), _GREY, np.uint8)
    scaled = Pillow.fromarray(image).resize((wide, high), Pillow.Resampling.BILINEAR)
    filled[place.top : place.top + high, place.left : place.left + wide] = np.asarray(scaled)
    return np.divide(filled.transpose(2, 0, 1), np.float32(255), dtype=np.float32), place


def layout_of(
    rows: int, columns: int, size: tuple[int, int], classes: int | None, *, final: bool
) -> str | None:
    """Recognise an output of rows and columns; None if it is none of the three.

    ``classes`` are as many as it has names for, ``final`` if NMS is built in as metadata says.
    """
    # A YOLOv5 of one class has six columns too, but a row for each of three anchors of each cell.
    one_class = classes in (None, 1) and rows in _anchors(*size) and not final
    if columns == 6 and not one_class:
        return FINAL
    if final:
        return None
    if classes is None:
        if rows > columns:
            return OBJECTNESS if columns > 5 else None
        return PLAIN if rows > 4 else None
    if columns == 5 + classes:
        return OBJECTNESS
    return PLAIN if rows == 4 + classes else None


def _anchors(width: int, height: int) -> set[int]:
    cells = np.cumsum([(width // stride) * (height // stride) for stride in _STRIDES])
    return {_ANCHORS * int(number) for number in cells[2:]}


def detections(output: npt.NDArray[np.floating], layout: str, place: Place) -> Found:
    """Turn the output of one picture into Detections, the surest first.

    Returns:
        boxes of at least 0.005, clipped to the picture, of which no two of a class overlap much;
        category ids are class numbers from 1.  A Failure if there is NaN or infinity.

    Raises:
        ValueError: if its numbers can be no scores.
    """
    table = np.asarray(output, np.float64)
    if not detection_numbers.are_finite(table):
        return Failure(reasons.NOT_FINITE)
    corners, scores, classes = _columns(table, layout)
    detection_numbers.check((scores.max(initial=0), scores.min(initial=0)), ())
    order = np.argsort(-scores, kind="stable")
    chosen = order[scores[order] >= LEAST_CONFIDENCE][:_MOST_CANDIDATES]
    corners, scores, classes = corners[chosen], scores[chosen], classes[chosen]
    if layout != FINAL:
        kept = suppress(corners, classes)
        corners, scores, classes = corners[kept], scores[kept], classes[kept]
    names = [str(int(number) + 1) for number in classes]
    return Detections.of_corners(_relative(corners, place), scores, names)


def _columns(table: Floats, layout: str) -> tuple[Floats, Floats, Floats]:
    """Return corners (N, 4) x, y, x, y in pixels, scores (N,) and class numbers (N,) from 0."""
    if layout == FINAL:
        return table[:, :4], table[:, 4], table[:, 5]
    table = table.T if layout == PLAIN else table
    by_class = table[:, 4:] if layout == PLAIN else table[:, 5:] * table[:, 4:5]
    half = table[:, 2:4] / 2
    corners = np.hstack([table[:, :2] - half, table[:, :2] + half])
    return corners, by_class.max(axis=1), by_class.argmax(axis=1).astype(np.float64)


def suppress(corners: Floats, classes: Floats) -> list[int]:
    """Choose of boxes, the surest first, those that no surer one of their class overlaps much.

    Returns:
        Their places in the (N, 4) rows of x, y, x, y, 300 at most.

    Source: greedy non-maximum suppression by class, with YOLOv5's and MegaDetector's 0.45.
    """
    boxes = np.hstack([corners[:, :2], corners[:, 2:] - corners[:, :2]])
    left = np.arange(len(boxes))
    kept: list[int] = []
    while len(left) and len(kept) < MOST_BOXES:
        surest, left = int(left[0]), left[1:]
        kept.append(surest)
        overlap = box_rows.iou(boxes[surest], boxes[left])[0]
        left = left[(overlap <= OVERLAP) | (classes[left] != classes[surest])]
    return kept


def _relative(corners: Floats, place: Place) -> Floats:
    """Turn x, y, x, y in pixels of the input into ymin, xmin, ymax, xmax of the picture."""
    start = np.array([place.left, place.top] * 2)
    size = np.array([place.width, place.height] * 2)
    return np.clip((corners - start) / size, 0, 1)[:, [1, 0, 3, 2]]
