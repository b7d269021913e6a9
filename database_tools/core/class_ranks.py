"""A classifier's probabilities as the few classes of each crop, the likeliest first.

    [[0.57, 0.12345678, 0.30654322]] at least 0.1, floored to 4 digits
    -> classes 0, 2, 1 with 0.5699, 0.3065, 0.1234

A threshold is met before digits are cut; of equal confidences the lower class comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ranks:
    """The classes of n crops.

    Attributes:
        counts: (n,) how many classes each crop has.
        classes: (sum of counts,) their numbers, crop by crop, the likeliest first.
    """

    counts: Integers
    classes: Integers
    confidences: Floats


def margins(probabilities: Floats, true: Integers) -> Floats:
    """Return by how much each class (n, C) is likelier than the true one, at least 0."""
    own = probabilities[np.arange(len(true)), true]
    return np.maximum(probabilities - own[:, None], 0)


def rank(confidences: Floats, threshold: float, shorten: Callable[[Floats], Floats]) -> Ranks:
    """Return the classes of (n, C) confidences that reach a threshold, before ``shorten`` cuts."""
    crops, classes = np.nonzero(confidences >= threshold)
    values = shorten(confidences[crops, classes])
    order = np.lexsort((classes, -values, crops))
    counts = np.bincount(crops, minlength=len(confidences))
    return Ranks(counts, classes[order], values[order])
