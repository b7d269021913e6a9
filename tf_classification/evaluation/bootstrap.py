"""Intervals for figures, by drawing locations again and again.

Pictures of one camera resemble each other, so a thousand crops of eight cameras say little more
than eight cameras.  An interval that drew crops would be far too narrow; this one draws whole
locations with replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tf_classification.evaluation.metrics import Counts, Floats

RESAMPLES = 1000
_CHUNK = 100  # resamples at a time, to keep the draws small

Statistic = Callable[[Counts], Floats]


class Interval(NamedTuple):
    """Where a figure lies with 95 % confidence; arrays of the figure's shape."""

    low: Floats
    high: Floats


def by_location(
    labels: npt.NDArray[np.integer],
    predicted: npt.NDArray[np.integer],
    locations: npt.NDArray[np.integer],
    num_labels: int,
) -> Counts:
    """Count labels at each location.

    Args:
        labels: (N,) true labels.
        predicted: (N,) predicted labels.
        locations: (N,) any integers; equal ones are one location.
        num_labels: C.

    Returns:
        Counts of shape (L, C) for the L locations that occur, in ascending order.
    """
    places, place = np.unique(locations, return_inverse=True)

    def count(of: npt.NDArray[np.integer], rows: npt.NDArray[np.bool_]) -> Floats:
        flat = place[rows] * num_labels + of[rows]
        size = len(places) * num_labels
        return np.bincount(flat, minlength=size).reshape(-1, num_labels).astype(np.float64)

    everything = np.ones(len(labels), bool)
    return Counts(
        count(labels, everything), count(predicted, everything), count(labels, labels == predicted)
    )


def total(locations: Counts) -> Counts:
    """Sum counts over their locations: (L, C) to (C,)."""
    return Counts(*(part.sum(axis=0) for part in _parts(locations)))


def intervals(
    locations: Counts,
    statistics: Mapping[str, Statistic],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> dict[str, Interval] | None:
    """Give the 95 % interval of each statistic.

    Args:
        locations: counts of shape (L, C).
        statistics: functions of ``Counts``, such as those of the module ``metrics``.
        resamples: number of draws of L locations.
        seed: same seed, same intervals.

    Returns:
        By name, an interval of the statistic's shape (NaN where it is never defined); None with
        fewer than two locations, which say nothing about a third.

    Source: the expanded percentile interval of T. Hesterberg, "What Teachers Should Know About
    the Bootstrap" (2015), section 4.3: the plain percentile interval is too narrow by
    sqrt((L-1)/L) and by the difference of the normal and Student's distribution.
    """
    number = len(locations.truth)
    if number < 2:
        return None
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[Floats]] = {name: [] for name in statistics}
    for start in range(0, resamples, _CHUNK):
        size = min(_CHUNK, resamples - start)
        times = rng.multinomial(number, np.full(number, 1 / number), size=size)
        sample = Counts(*(times @ part for part in _parts(locations)))
        for name, statistic in statistics.items():
            drawn[name].append(statistic(sample))
    tail = _tail(number)
    return {name: _between(np.concatenate(parts), tail) for name, parts in drawn.items()}


def _parts(of: Counts) -> tuple[Floats, Floats, Floats]:
    return of.truth, of.predicted, of.right


def _tail(number: int) -> float:
    """Tell what share of the draws to leave out on each side, for ``number`` locations."""
    from scipy import special

    student = special.stdtrit(number - 1, 0.975)
    return float(special.ndtr(-np.sqrt(number / (number - 1)) * student))


def _between(values: Floats, tail: float) -> Interval:
    undefined = np.isnan(values).all(axis=0)
    safe = np.where(undefined, 0.0, values)
    low, high = np.nanquantile(safe, [tail, 1 - tail], axis=0)
    return Interval(np.where(undefined, np.nan, low), np.where(undefined, np.nan, high))
