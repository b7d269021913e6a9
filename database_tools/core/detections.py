"""What a detector found in one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ANIMAL, PERSON, VEHICLE = "1", "2", "3"
"""MegaDetector's category ids."""

CATEGORY_NAMES = {ANIMAL: "animal", PERSON: "person", VEHICLE: "vehicle"}


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes of one picture, in the detector's own order.

    Attributes:
        boxes: (N, 4) float64, rows (x, y, width, height) in [0, 1] of the displayed picture;
            N may be 0.
        scores: (N,) float64 in [0, 1]; a float32 detector's values, kept exactly.
        categories: N category ids as the detector or file has them, e.g. ``"1"``.
    """

    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    categories: tuple[str, ...]

    def __post_init__(self) -> None:
        if not (self.boxes.shape == (len(self.scores), 4) and len(self.categories) == len(self)):
            raise ValueError(
                f"{self.boxes.shape} boxes, {self.scores.shape} scores and "
                f"{len(self.categories)} categories do not belong together"
            )

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, keep: npt.NDArray[np.bool_]) -> Detections:
        """Return those where ``keep``, (N,) bool, is true, in the same order."""
        chosen = tuple(c for c, kept in zip(self.categories, keep, strict=True) if kept)
        return Detections(self.boxes[keep], self.scores[keep], chosen)
