"""COCO's average precision of a detector's boxes, by pycocotools, all animals as one class."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from typing import Any

from database_tools.core.detections import Detections
from database_tools.evaluation.truths import Box

# COCO wants pixels: the sides of pictures do not matter for overlaps.
_PIXELS = 1000.0

Pair = tuple[Sequence[Box], Detections]
"""Boxes that people drew in a picture, and those that were found in it, animals only."""


def average_precision(pictures: Sequence[Pair]) -> dict[str, float] | None:
    """Return AP (mean over IoU 0.5 to 0.95), AP at 0.5 and 0.75, and AR of 100 boxes.

    None if nobody drew a box, or pycocotools is not there.
    """
    try:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval
    except ImportError:
        return None
    truth = [_row(i, box) for i, (drawn, _) in enumerate(pictures, 1) for box in drawn]
    if not truth:
        return None
    rows = [{**row, "id": i, "iscrowd": 0} for i, row in enumerate(truth, 1)]
    found = [
        {**_row(i, box), "score": score}
        for i, (_, boxes) in enumerate(pictures, 1)
        for box, score in zip(boxes.boxes.tolist(), boxes.scores.tolist(), strict=True)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        images = [{"id": i} for i in range(1, len(pictures) + 1)]
        coco.dataset = {"images": images, "categories": [{"id": 1}], "annotations": rows}
        coco.createIndex()
        # pycocotools cannot load an empty list: nothing found is nothing right
        if not found:
            return dict.fromkeys(("AP", "AP50", "AP75", "AR100"), 0.0)
        judge = COCOeval(coco, coco.loadRes(found), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    ap, ap50, ap75, recall = (float(judge.stats[i]) for i in (0, 1, 2, 8))
    return {"AP": ap, "AP50": ap50, "AP75": ap75, "AR100": recall}


def _row(image: int, box: Sequence[float]) -> dict[str, Any]:
    scaled = [_PIXELS * value for value in box]
    area = scaled[2] * scaled[3]
    return {"image_id": image, "category_id": 1, "bbox": scaled, "area": area}
