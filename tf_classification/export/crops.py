"""A sample of validation crops, as the network gets them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import UserError
from database_tools.imaging import UnreadableImage
from tf_classification.data.examples import Examples
from tf_classification.predictor import Predictor
from tf_classification.predictor.predictor import Levels


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


def draw(examples: Examples, model: Predictor, count: int) -> Sample:
    """Prepare up to ``count`` crops, the same ones each time; unreadable ones are passed over.

    Args:
        examples: one split.
        model: that shall be asked; it prepares them.
        count: how many at most; 12 bytes of memory for each pixel of the network's input.

    Raises:
        UserError: if not a single one can be read.
    """
    pixels: list[Levels] = []
    labels: list[np.int32] = []
    for row in np.random.default_rng(0).permutation(len(examples)):
        if len(pixels) == count:
            break
        (encoded,) = examples.reader(np.array([row]))
        try:
            pixels.append(model.pixels(encoded))
        except UnreadableImage:
            continue
        labels.append(examples.labels[row])
    if not pixels:
        raise UserError(f"none of the {len(examples)} validation crops can be read")
    return Sample(np.stack(pixels, dtype=np.float32), np.array(labels, np.int32))
