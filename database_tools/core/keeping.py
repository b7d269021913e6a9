"""How many pictures a threshold keeps, and the threshold that keeps a wanted share of them.

A picture's score is its surest box; a threshold keeps it if the score reaches it.  Of pictures with
animals many are to be kept, of empty ones few.

``propose`` tests thresholds in an order that is fixed before anything is known, from the lowest up,
and stops at the first that cannot be shown to keep the share; so one is accepted by mistake in one
case of ten (``thresholds`` has the source).  How far locations differ is what
``precision_bounds.spread`` finds at the threshold where most can be seen of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core import intervals, precision_bounds
from database_tools.core.intervals import Interval
from database_tools.core.precision_bounds import Floats, Judged
from database_tools.core.thresholds import FEWEST_LOCATIONS

_STEP = 100  # thresholds are hundredths


@dataclass(frozen=True, eq=False)
class Scored:
    """Pictures of one kind: (N,) scores of their surest boxes, 0 for none, and location numbers."""

    scores: Floats
    place: npt.NDArray[np.integer]

    def of(self, chosen: npt.NDArray[np.intp]) -> Scored:
        """Take some of them, by their rows."""
        return Scored(self.scores[chosen], self.place[chosen])

    def reach(self, threshold: float) -> npt.NDArray[np.bool_]:
        """Say which are kept, (N,); compared as float32, as detections are."""
        return self.scores.astype(np.float32) >= np.float32(threshold)

    @property
    def locations(self) -> int:
        """Number of locations."""
        return len(np.unique(self.place))


@dataclass(frozen=True, eq=False)
class Kept:
    """What T thresholds keep of some pictures: (T,) shares, NaN without pictures, and intervals."""

    pictures: int
    locations: int
    share: Floats
    interval: Interval


@dataclass(frozen=True)
class Proposal:
    """The highest threshold that keeps the wanted share, as far as can be shown.

    Attributes:
        threshold: None if none can be shown to.
        bound: share that it keeps at new locations, at the least, with 90 % confidence; of the
            lowest threshold if there is none.
        enough: whether there are enough locations to say.
    """

    threshold: float | None
    bound: float
    enough: bool


def grid(lowest: float) -> Floats:
    """Return the hundredths from ``lowest`` to 1, the first of which is at least 0.01."""
    first = max(1, int(np.ceil(lowest * _STEP - 1e-6)))
    return np.arange(first, _STEP + 1) / _STEP


def kept(of: Scored, thresholds: Floats) -> Kept:
    """Count what thresholds keep, with intervals by location."""
    number = len(of.scores)
    if not number:
        none = np.full(len(thresholds), np.nan)
        return Kept(0, 0, none, Interval(none, none))
    _, place = np.unique(of.place, return_inverse=True)
    pictures = np.bincount(place).astype(np.float64)
    hits = np.stack([np.bincount(place, of.reach(t), len(pictures)) for t in thresholds], axis=1)
    times = intervals.draws(len(pictures))
    shares = (times @ hits) / (times @ pictures)[:, None]
    interval = intervals.interval(shares, len(pictures))
    return Kept(number, len(pictures), hits.sum(axis=0) / number, interval)


def propose(animals: Scored, thresholds: Floats, target: float) -> Proposal:
    """Choose the highest threshold that keeps ``target`` of the pictures at new locations."""
    if animals.locations < FEWEST_LOCATIONS:
        return Proposal(None, 0.0, enough=False)
    _, place = np.unique(animals.place, return_inverse=True)
    judged = [_judged(Scored(animals.scores, place), t) for t in thresholds]
    spread = max(precision_bounds.spread(one, place) for one in judged)
    bounds = [precision_bounds.lower(one, int(one.right.sum()), spread) for one in judged]
    fails = next((i for i, bound in enumerate(bounds) if bound < target), len(bounds))
    if not fails:
        return Proposal(None, bounds[0], enough=True)
    return Proposal(float(thresholds[fails - 1]), bounds[fails - 1], enough=True)


def _judged(animals: Scored, threshold: float) -> Judged:
    """Compare keeping each picture with keeping the same share everywhere, never 0 or all."""
    right = animals.reach(threshold)
    share = (right.sum() + 0.5) / (len(right) + 1)
    return Judged(np.full(len(right), share), right, animals.place)
