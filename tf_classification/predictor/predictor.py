"""What every model can be asked, however it is stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.imaging import UnreadableImage
from tf_classification.data import plain_pictures

Floats = npt.NDArray[np.float32]
Levels = npt.NDArray[np.float32 | np.uint8]
Pictures = Sequence[npt.NDArray[Any]] | npt.NDArray[Any]


class Predictor(ABC):
    """A model that is open.

    Attributes:
        path: where it lies.
        labels: names in the order of the columns of what it answers.
        image_size: side of the square pictures that it takes as pixels; None where it takes
            pictures of any size and resizes them itself.
        crop_recipe: how the crops that it learned from were made; None if nobody said.
        thresholds: label to the least probability that is accepted without a look; None for
            never.  Empty if nobody knows.
        tells_unknown: whether ``with_unknown`` answers.
    """

    thresholds: Mapping[str, float | None] = MappingProxyType({})
    tells_unknown = False

    def __init__(
        self,
        path: Path,
        labels: Sequence[str],
        image_size: int | None,
        crop_recipe: CropRecipe | None,
    ) -> None:
        self.path = path
        self.labels = tuple(labels)
        self.image_size = image_size
        self.crop_recipe = crop_recipe

    def of_encoded(self, encoded: Sequence[bytes]) -> Floats:
        """Classify crops as files hold them.

        Returns:
            (N, labels) calibrated probabilities.

        Raises:
            UnreadableImage: if one of them is no picture; ``pixels`` tells which.
        """
        return self._of_encoded([_plain(one) for one in encoded])

    def _of_encoded(self, encoded: Sequence[bytes]) -> Floats:
        """Do it, for JPEG, PNG and BMP that every decoder reads alike."""
        return self.of_pixels([self._pixels(one) for one in encoded])

    def pixels(self, encoded: bytes) -> Levels:
        """Prepare one crop as the model learned from such: (side, side, 3) 0..255.

        They are float32, or uint8 of a model that takes whole levels.

        Raises:
            UnreadableImage: if it is no picture, or has more pixels than are decoded.
        """
        return self._pixels(_plain(encoded))

    @abstractmethod
    def _pixels(self, encoded: bytes) -> Levels:
        """Do it, for a JPEG, PNG or BMP that every decoder reads alike."""

    @abstractmethod
    def of_pixels(self, pixels: Pictures) -> Floats:
        """Turn N pictures as ``pixels`` makes them into probabilities (N, labels)."""

    def logits(self, pixels: Pictures) -> Floats:
        """Return what comes before softmax and calibration, (N, labels).

        Raises:
            UserError: if this model does not tell.
        """
        raise UserError(f"{self.path} gives probabilities only, no logits")

    def with_unknown(self, pixels: Pictures) -> Floats:
        """Return probabilities, and how far each picture is beyond what is known (above 0).

        Returns:
            (N, labels + 1).

        Raises:
            UserError: if this model does not tell.
        """
        raise UserError(f"{self.path} does not tell unknown animals: see train_head.py")

    def features(self, pixels: Pictures) -> Floats:
        """Return what the last layer sees: features averaged over the picture, (N, F).

        Raises:
            UserError: if this model does not tell.
        """
        raise UserError(f"{self.path} gives no features of its pictures; its bundle may")


def _plain(encoded: bytes) -> bytes:
    if not (plain := plain_pictures.plain(encoded)):
        raise UnreadableImage("corrupt")
    return plain
