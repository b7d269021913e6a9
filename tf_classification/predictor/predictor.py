"""What every model can be asked, however it is stored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.imaging import UnreadableImage
from tf_classification.data import picture_size

Floats = npt.NDArray[np.float32]
Pictures = Sequence[npt.NDArray[Any]] | npt.NDArray[Any]


class Predictor(ABC):
    """A model that is open.

    Attributes:
        path: where it lies.
        labels: names in the order of the columns of what it answers.
        image_size: side of the square pictures that it takes as pixels; None where it takes
            pictures of any size and resizes them itself.
        crop_recipe: how the crops that it learned from were made; None if nobody said.
    """

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
        for one in encoded:
            _check(one)
        return self._of_encoded(encoded)

    def _of_encoded(self, encoded: Sequence[bytes]) -> Floats:
        """Do it, for pictures whose heads were looked at."""
        return self.of_pixels([self._pixels(one) for one in encoded])

    def pixels(self, encoded: bytes) -> Floats:
        """Prepare one crop as the model learned from such: (side, side, 3) float32 0..255.

        Raises:
            UnreadableImage: if it is no picture, or has more pixels than are decoded.
        """
        _check(encoded)
        return self._pixels(encoded)

    @abstractmethod
    def _pixels(self, encoded: bytes) -> Floats:
        """Do it, for a picture whose head was looked at."""

    @abstractmethod
    def of_pixels(self, pixels: Pictures) -> Floats:
        """Turn N pictures as ``pixels`` makes them into probabilities (N, labels)."""

    def logits(self, pixels: Pictures) -> Floats:
        """Return what comes before softmax and calibration, (N, labels).

        Raises:
            UserError: if this model does not tell.
        """
        raise UserError(f"{self.path} gives probabilities only, no logits")

    def features(self, pixels: Pictures) -> Floats:
        """Return what the last layer sees: features averaged over the picture, (N, F).

        Raises:
            UserError: if this model does not tell.
        """
        raise UserError(f"{self.path} gives no features of its pictures; its bundle may")


def _check(encoded: bytes) -> None:
    """Look at the head only: a small file may claim a picture that fills the memory."""
    if picture_size.read(encoded) == picture_size.UNREADABLE:
        raise UnreadableImage("corrupt")
