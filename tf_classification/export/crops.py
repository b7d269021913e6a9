"""A sample of validation crops, as the network gets them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from database_tools.core.errors import UserError
from tf_classification.data import plain_pictures, transforms
from tf_classification.data.examples import Examples


@dataclass(frozen=True, eq=False)
class Sample:
    """Decoded crops.

    Attributes:
        pixels: (N, side, side, 3) float32 0..255.
        labels: (N,) int32, position among the dataset's labels.
    """

    pixels: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int32]

    def first(self, count: int) -> Sample:
        """Return the first ``count`` crops, all if there are fewer."""
        return Sample(self.pixels[:count], self.labels[:count])


def draw(examples: Examples, size: int, count: int) -> Sample:
    """Decode up to ``count`` crops, the same ones each time; unreadable ones are passed over.

    Args:
        examples: one split.
        size: side of the network's input.
        count: how many at most; 4 * 3 * size**2 bytes of memory each.

    Raises:
        UserError: if not a single one can be read.
    """
    pixels: list[npt.NDArray[np.float32]] = []
    labels: list[np.int32] = []
    for row in np.random.default_rng(0).permutation(len(examples)):
        if len(pixels) == count:
            break
        (encoded,) = examples.reader(np.array([row]))
        if not (encoded := plain_pictures.plain(encoded)):
            continue
        try:
            decoded = transforms.decode_for_evaluation(tf.constant(encoded), size)
        except tf.errors.InvalidArgumentError:
            continue
        pixels.append(decoded.numpy())
        labels.append(examples.labels[row])
    if not pixels:
        raise UserError(f"none of the {len(examples)} validation crops can be read")
    return Sample(np.stack(pixels), np.array(labels, np.int32))
