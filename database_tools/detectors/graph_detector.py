"""A TensorFlow function that finds boxes, as a Detector."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from database_tools.core.errors import UserError
from database_tools.detectors import class_names, raw_output
from database_tools.detectors.batched import Batched
from database_tools.detectors.detector import Image

Function = Callable[[tf.Tensor], Mapping[str, tf.Tensor]]
"""From (B, H, W, 3) uint8 to the output tensors by name."""


def make(path: Path, batch_size: int, digest: str, function: Function) -> Batched:
    """Make a detector of the function in a file or folder of that digest."""

    def run(images: Sequence[Image]) -> dict[str, raw_output.Array]:
        outputs = function(tf.constant(np.stack(images)))
        return {name: tensor.numpy() for name, tensor in outputs.items()}

    names, fingerprint = class_names.beside(path), f"{digest} x{batch_size}"
    errors = (tf.errors.OpError,)
    return Batched(path.name, names, batch_size, fingerprint, run, raw_output.split, errors)


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
