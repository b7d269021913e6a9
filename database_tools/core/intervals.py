"""Intervals for figures, by drawing locations again and again.

Pictures of one camera resemble each other, so a thousand crops of eight cameras say little more
than eight cameras.  An interval that drew crops would be far too narrow; this one draws whole
locations with replacement.  Any figure that is computed from sums over locations gets one::

    times = intervals.draws(len(crops))                  # crops: (L,) number at each location
    shares = (times @ right) / (times @ crops)           # right: (L,) of these right
    low, high = intervals.interval(shares, len(crops))
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 1000


class Interval(NamedTuple):
    """Where a figure lies with 95 % confidence; arrays of the figure's shape, NaN for none."""

    low: Floats
    high: Floats


def draws(locations: int, resamples: int = RESAMPLES, seed: int = 0) -> Floats:
    """Draw as many locations as there are, with replacement, many times.

    Returns:
        (resamples, locations): how often each one was drawn; each row's sum is ``locations``.
    """
    rng = np.random.default_rng(seed)
    shares = np.full(locations, 1 / locations)
    return rng.multinomial(locations, shares, size=resamples).astype(np.float64)


def interval(values: Floats, locations: int | npt.NDArray[np.integer]) -> Interval:
    """Give the 95 % interval of a figure.

    Args:
        values: (R, ...) the figure in each draw; NaN where it is not defined, as the precision
            of a label that is never predicted at the locations drawn.
        locations: (...) how many locations the figure is of.

    Returns:
        an interval of the figure's shape.  NaN, for none, with fewer than two locations, which
        say nothing about a third, and where all draws agree: 100 % of three crops at each of
        three locations is no certainty.

    Source: the expanded percentile interval of T. Hesterberg, "What Teachers Should Know About
    the Bootstrap" (2015), section 4.3: the plain percentile interval is too narrow by
    sqrt((L-1)/L) and by the difference of the normal and Student's distribution.
    """
    ordered = np.sort(values, axis=0)  # NaN last
    known = np.count_nonzero(~np.isnan(values), axis=0)
    number = np.broadcast_to(locations, known.shape)
    tail = _tail(np.maximum(number, 2))
    low, high = (_quantile(ordered, known, share) for share in (tail, 1 - tail))
    none = (number < 2) | ~(low < high)
    return Interval(np.where(none, np.nan, low), np.where(none, np.nan, high))


def _tail(number: npt.NDArray[np.integer]) -> Floats:
    """Tell what share of the draws to leave out on each side, for ``number`` locations."""
    from scipy import special

    student = special.stdtrit(number - 1, 0.975)
    return np.asarray(special.ndtr(-np.sqrt(number / (number - 1)) * student), np.float64)


def _quantile(ordered: Floats, known: npt.NDArray[np.integer], share: Floats) -> Floats:
    """Interpolate linearly among the first ``known`` of (R, ...) ordered values."""
    place = share * np.maximum(known - 1, 0)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, np.maximum(known - 1, 0))
    first, second = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (below, above))
    return np.asarray(first + (place - below) * (second - first), np.float64)
