"""What a detector found in one picture, or why it found nothing out.

Detectors compute in float32, so both kinds of detection file can hold their numbers exactly.
Numbers that a file brings with other digits are rounded to float32 once, when they enter a
build (``of_corners``); from then on every copy of them is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core import boxes as box_rows

ANIMAL, PERSON, VEHICLE = "1", "2", "3"
"""MegaDetector's category ids."""

CATEGORY_NAMES = {ANIMAL: "animal", PERSON: "person", VEHICLE: "vehicle"}


LEAST_CONFIDENCE = 0.005
"""Boxes below this are in no detection file: most of a detector's hundred are."""


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

    @classmethod
    def of_corners(
        cls, corners: npt.ArrayLike, scores: npt.ArrayLike, categories: Sequence[str]
    ) -> Detections:
        """Make detections of a detector's rows, rounded to float32.

        Corners are (N, 4) rows (ymin, xmin, ymax, xmax), relative, with N scores and category ids.
        """
        exact = np.asarray(corners, np.float32).reshape(-1, 4)
        confidences = np.asarray(scores, np.float32).reshape(-1)
        return cls(box_rows.from_corners(exact), confidences.astype(np.float64), tuple(categories))

    def corners(self) -> npt.NDArray[np.float32]:
        """Return (N, 4) float32 rows (ymin, xmin, ymax, xmax); inverse of ``of_corners``."""
        return box_rows.to_corners(self.boxes).astype(np.float32)

    def at_least(self, threshold: float) -> npt.NDArray[np.bool_]:
        """Say which scores reach ``threshold``: (N,) bool.

        Both are compared as float32, as the original does: a detector's 0.7 is 0.69999999.
        """
        return self.scores.astype(np.float32) >= np.float32(threshold)

    def equals(self, other: Found) -> bool:
        """Say whether another result has the same boxes in the same order."""
        return (
            isinstance(other, Detections)
            and self.categories == other.categories
            and np.array_equal(self.scores, other.scores)
            and np.array_equal(self.boxes, other.boxes)
        )

    def select(self, keep: npt.NDArray[np.bool_]) -> Detections:
        """Return those where ``keep``, (N,) bool, is true, in the same order."""
        if keep.all():
            return self
        chosen = tuple(c for c, kept in zip(self.categories, keep, strict=True) if kept)
        return Detections(self.boxes[keep], self.scores[keep], chosen)

    def worth_keeping(self) -> Detections:
        """Return those that detection files keep: of ``LEAST_CONFIDENCE`` or more."""
        return self.select(self.at_least(LEAST_CONFIDENCE)) if len(self) else self


NOTHING = Detections(np.zeros((0, 4)), np.zeros(0), ())
"""Of the many pictures in which nothing was found."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A picture that no detector could look at; ``reason`` is one of ``core.reasons``, mostly."""

    reason: str


Found = Detections | Failure
"""What is known of a picture after detection."""
