"""What every detector does, whatever its file looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from database_tools.core.detections import Found

Image = npt.NDArray[np.uint8]
"""(height, width, 3) RGB, displayed orientation."""


class Detector(Protocol):
    """A detector that is open and may be asked about pictures.

    Attributes:
        name: of the file or folder, for ``info.detector`` of a detection file.
        categories: category id to name, e.g. ``{"1": "animal"}``; None if no label map lies
            beside the detector.
        batch_size: how many pictures of one size it takes at a time, at least 1.
        fingerprint: changes with everything that changes results: the file's content and
            ``batch_size``.
    """

    name: str
    categories: Mapping[str, str] | None
    batch_size: int
    fingerprint: str

    def check(self) -> None:
        """Run it on a blank picture.

        Raises:
            UserError: if it cannot run or returns something else than detections.
        """

    def detect(self, images: Sequence[Image]) -> list[Found]:
        """Return one result for each picture, in the same order.

        Pictures of one size are computed together, at most ``batch_size`` at a time.  The last
        bits of a result depend on the pictures that it is computed with, so whoever wants equal
        bytes gives the same lists again.  A picture that the detector fails at is a Failure.
        """
