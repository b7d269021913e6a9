"""How precise predictions are at new locations, at the least: a bound that holds in 9 of 10 cases.

Crops of one location resemble each other: at a dark forest camera a classifier (or a detector)
is wrong more often than its confidences say, at a clear one less often.  So a thousand crops of
twelve locations say less than a thousand crops of as many.  The *spread* is how far locations
differ, as the variance of an effect u that is added to the logit of each crop's confidence::

    P(right) = sigmoid(logit(confidence) + u of its location)

With v the sum of p (1 - p) over the crops of a location, u moves the number of right ones by
about u v.  Hence their variance is v + spread v², and the whole sum's is larger than that of
independent crops by the *design effect*  1 + spread (sum of v²) / (sum of v).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.9


@dataclass(frozen=True, eq=False)
class Judged:
    """Predictions that were compared with the truth.

    Attributes:
        confidence: (N,) float64 in [0, 1], what was said.
        right: (N,) bool, what was so.
        place: (N,) location numbers from 0, without large gaps.
    """

    confidence: Floats
    right: npt.NDArray[np.bool_]
    place: npt.NDArray[np.integer]

    def of(self, chosen: npt.NDArray[Any] | slice) -> Judged:
        """Take some of them."""
        return Judged(self.confidence[chosen], self.right[chosen], self.place[chosen])

    @property
    def doubt(self) -> Floats:
        """(N,) variance of each one's being right, p (1 - p)."""
        return self.confidence * (1 - self.confidence)


def spread(of: Judged, cells: npt.NDArray[np.integer]) -> float:
    """Estimate how far locations differ, the variance of u; 0 if not more than chance allows.

    Args:
        of: predictions, sure and unsure ones.
        cells: (N,) numbers of the groups that share one u: locations, or labels at locations.

    Returns:
        the moment estimate, sum of ((right - confidence of a cell)² - v) / sum of v², enlarged
        by what an estimate from so few locations misses in half of the cases.
    """
    from scipy import special

    freedom = len(np.unique(of.place)) - 1
    _, cell = np.unique(cells, return_inverse=True)
    doubt = np.bincount(cell, of.doubt)
    surprise = np.bincount(cell, of.right - of.confidence)
    if freedom < 1 or not doubt.any():
        return 0.0
    found = float((surprise**2 - doubt).sum() / (doubt**2).sum())
    return max(found, 0.0) * freedom / float(special.chdtri(freedom, 0.5))


def lower(accepted: Judged, hits: float, spread: float) -> float:
    """Return what the precision at new locations is at least, with 90 % confidence.

    It is the one-sided bound of Clopper and Pearson for as many independent crops as the accepted
    are worth, where locations differ by ``spread``.  Their ``right`` is not looked at: ``hits`` is
    how many are right, or what is expected of them.

    Source: E. Korn and B. Graubard, "Confidence Intervals for Proportions with Small Expected
    Number of Positive Counts" (1998): the effective number is divided by the design effect and
    by the square of Student's over the normal quantile.
    """
    from scipy import special

    crops = np.bincount(accepted.place).astype(np.float64)
    number = len(accepted.place)
    doubt = np.bincount(accepted.place, accepted.doubt)
    effect = 1 + spread * (doubt**2).sum() / max(doubt.sum(), 1e-9)
    locations = number**2 / (crops**2).sum()  # of equal size that would say as much
    student = special.stdtrit(max(locations - 1, 1), CONFIDENCE) / special.ndtri(CONFIDENCE)
    worth = number / effect / student**2
    right = worth * hits / number
    return float(special.betaincinv(right, worth - right + 1, 1 - CONFIDENCE)) if right else 0.0
