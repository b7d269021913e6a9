"""A TensorFlow function that finds boxes, as a Detector."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from database_tools.core import reasons
from database_tools.core.detections import Failure, Found
from database_tools.core.errors import UserError
from database_tools.detectors import batches, raw_output
from database_tools.detectors.detector import Image

log = logging.getLogger(__name__)

Run = Callable[[tf.Tensor], Mapping[str, tf.Tensor]]
"""From (B, H, W, 3) uint8 to the output tensors by name."""

_BLANK = (96, 128, 3)


@dataclass(eq=False)
class GraphDetector:
    """A Detector around a function; the attributes are those of ``detector.Detector``."""

    name: str
    categories: Mapping[str, str] | None
    batch_size: int
    fingerprint: str
    run: Run

    def check(self) -> None:
        """Run it on blank pictures, two if it takes batches; raise UserError if it cannot."""
        try:
            self._together([np.full(_BLANK, 127, np.uint8)] * min(2, self.batch_size))
        except (tf.errors.OpError, ValueError) as error:
            raise UserError(f"{self.name}: cannot run on pictures: {in_one_line(error)}") from error

    def detect(self, images: Sequence[Image]) -> list[Found]:
        """Return one result for each picture, in the same order."""
        found: dict[int, Found] = {}
        for batch in batches.of_equal_size([image.shape for image in images], self.batch_size):
            members = [images[i] for i in batch]
            try:
                results: Sequence[Found] = self._together(members)
            except tf.errors.OpError as error:
                log.warning("%s: %s", self.name, in_one_line(error))
                results = [self._alone(image) for image in members]
            found.update(zip(batch, results, strict=True))
        return [found[i] for i in range(len(images))]

    def _together(self, images: Sequence[Image]) -> list[Found]:
        outputs = self.run(tf.constant(np.stack(images)))
        try:
            return raw_output.split({name: tensor.numpy() for name, tensor in outputs.items()})
        except ValueError as error:
            raise UserError(f"{self.name}: {error}") from None

    def _alone(self, image: Image) -> Found:
        """Detect one picture of a batch that failed, mostly for want of memory."""
        try:
            return self._together([image])[0]
        except tf.errors.OpError:
            return Failure(reasons.DETECTOR_FAILED)


def in_one_line(error: Exception, limit: int = 300) -> str:
    """Return an error's text on one line: TensorFlow's are pages long."""
    text = re.sub(r"\s+", " ", str(error)).strip()
    return text if len(text) <= limit else text[: limit - 3] + "..."


def batch_size_of(path: Path, dtype: tf.DType, shape: tf.TensorShape, wanted: int) -> int:
    """Return how many pictures an input takes at a time, at most ``wanted``.

    Raises:
        UserError: if it does not take uint8 pictures (B, height, width, 3) one at a time or in
            batches of any size.
    """
    if dtype != tf.uint8 or not shape.is_compatible_with([None, None, None, 3]):
        raise UserError(
            f"{path}: its input is {dtype.name} {describe(shape)}, "
            "expected pictures, uint8 (batch, height, width, 3)"
        )
    fixed = None if shape.rank is None else shape[0]
    if fixed not in (None, 1):
        raise UserError(
            f"{path}: takes batches of exactly {fixed} pictures; export it with batch size 1 or any"
        )
    return fixed or wanted


def describe(shape: tf.TensorShape) -> str:
    """Return a shape as people write it, e.g. ``(?, 300, 300, 3)``."""
    if shape.rank is None:
        return "of any shape"
    return "(" + ", ".join("?" if size is None else str(size) for size in shape) + ")"
