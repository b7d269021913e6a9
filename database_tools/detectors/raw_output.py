"""From a graph's output arrays to Detections; the two conventions for boxes.

The TensorFlow Object Detection API gives corners relative to the picture, and class numbers as
floats.  TF-Vision gives corners in pixels of the resized and padded picture that its network
saw, class numbers as integers, and ``image_info``, which says how that picture was made.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from database_tools.core import detection_numbers, reasons
from database_tools.core.detections import LEAST_CONFIDENCE, Detections, Failure, Found

Array = npt.NDArray[np.generic]

BOXES, SCORES, CLASSES = "detection_boxes", "detection_scores", "detection_classes"
NUMBER, IMAGE_INFO = "num_detections", "image_info"
REQUIRED = (BOXES, SCORES, CLASSES)
OPTIONAL = (NUMBER, IMAGE_INFO)

# Relative boxes stay near 1; the boxes of a whole padded picture in pixels do not.
_LARGEST_RELATIVE = 2.0


def split(outputs: Mapping[str, Array]) -> list[Found]:
    """Cut a batch's arrays into one result for each picture.

    Args:
        outputs: detection_boxes (B, N, 4), detection_scores (B, N) and detection_classes
            (B, N); num_detections (B,), the rows that count, if the graph has it; image_info
            (B, 4, 2) if TF-Vision made it.

    Returns:
        B Detections in the detector's order.  Boxes are as the detector gives them, clipped
        only where they are measured in a padded picture.  A picture that has NaN or infinity in
        a row that counts is a Failure.

    Raises:
        ValueError: if the arrays do not have these shapes, or numbers that can be no scores or
            relative boxes.
    """
    _check_shapes(outputs)
    return [
        _one({name: array[i] for name, array in outputs.items()})
        for i in range(len(outputs[BOXES]))
    ]


def _check_shapes(outputs: Mapping[str, Array]) -> None:
    boxes = outputs[BOXES]
    rows = boxes.shape[:2]
    right = boxes.ndim == 3 and boxes.shape[2] == 4
    if not right or any(outputs[name].shape != rows for name in (SCORES, CLASSES)):
        shapes = ", ".join(f"{name} {outputs[name].shape}" for name in REQUIRED)
        raise ValueError(f"expected (B, N, 4), (B, N) and (B, N), got {shapes}")


def _one(arrays: Mapping[str, Array]) -> Found:
    number = np.asarray(arrays[NUMBER].reshape(-1)[0] if NUMBER in arrays else len(arrays[BOXES]))
    if not detection_numbers.are_finite(number):
        return Failure(reasons.NOT_FINITE)
    count = max(0, int(number))
    corners = np.asarray(arrays[BOXES][:count], np.float64)
    scores = np.asarray(arrays[SCORES][:count], np.float64)
    classes = np.asarray(arrays[CLASSES][:count], np.float64)
    if not detection_numbers.are_finite(corners, scores, classes):
        return Failure(reasons.NOT_FINITE)
    if IMAGE_INFO in arrays:
        corners = to_relative(corners, np.asarray(arrays[IMAGE_INFO], np.float64))
    # What nobody keeps may be anything: some networks leave far boxes in rows that are unsure.
    kept = (scores >= LEAST_CONFIDENCE) | (scores < 0)
    detection_numbers.check_arrays(scores[kept], corners[kept])
    return Detections.of_corners(corners, scores, [str(int(c)) for c in classes])


def to_relative(
    corners: npt.NDArray[np.float64], info: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Take TF-Vision's boxes back to the picture that went in.

    Args:
        corners: (N, 4) rows (ymin, xmin, ymax, xmax) in pixels of the model's picture; relative
            already, and returned as they are, if the model was exported with normalised boxes.
        info: (4, 2) rows (height, width): of the picture, of the model's picture, the scale
            from the one to the other, and what was cut off at the top left after scaling.

    Returns:
        (N, 4) in [0, 1]: ``(corner + offset) / scale / size``, clipped, as boxes may reach into
        the padding.

    Source: tf-models-official, ``preprocess_ops.resize_and_crop_image``.
    """
    if not corners.size or corners.max(initial=0) <= _LARGEST_RELATIVE:
        return corners
    size, _, scale, offset = (np.tile(row, 2) for row in info)
    return np.asarray(np.clip((corners + offset) / scale / size, 0, 1))
