"""Whether a detector's numbers can be scores and relative boxes; a guess at what they are if not.

Checked where detections enter: by the readers of detection files and behind every detector.  A
whole file or detector in other units would otherwise give crops of nothing, or none at all.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

_ROUNDING = 1e-3  # some writers round, and a float32 sum may exceed 1 a little
_OUTSIDE = 1.0
"""Sides of the picture by which a box may reach out of it; pixels of any picture are more."""


def are_finite(*arrays: npt.ArrayLike) -> bool:
    """Say whether all numbers are finite as float32, as which they are held."""
    largest = np.finfo(np.float32).max
    return all(bool((np.abs(np.asarray(array)) <= largest).all()) for array in arrays)


def check(scores: Iterable[float], coordinates: Iterable[float]) -> None:
    """Look at finite scores and coordinates; of arrays, the least and the largest will do.

    Raises:
        ValueError: with the first that cannot be, and what it looks like.
    """
    for score in scores:
        if not -_ROUNDING <= score <= 1 + _ROUNDING:
            guess = "a logit" if score < 0 else "percent" if score <= 100 else "no confidence"
            raise ValueError(f"conf {score:g} is not in [0, 1]: it looks like {guess}")
    for value in coordinates:
        if not -_OUTSIDE <= value <= 1 + _OUTSIDE:
            raise ValueError(
                f"bbox {value:g} is far outside [0, 1], the picture: it looks like pixels"
            )


def check_arrays(scores: npt.NDArray[np.floating], boxes: npt.NDArray[np.floating]) -> None:
    """Check finite scores (N,) and boxes (N, 4); N may be 0."""
    if len(scores):
        check((scores.max(), scores.min()), (boxes.max(), boxes.min()))
