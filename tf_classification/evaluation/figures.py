"""The headline figures of a set of crops, each with its interval over locations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core import intervals
from database_tools.core.intervals import Interval
from tf_classification.evaluation import metrics

STATISTICS: dict[str, Callable[[metrics.Counts], metrics.Floats]] = {
    "accuracy": metrics.accuracy,
    "balanced_accuracy": metrics.balanced_accuracy,
    "macro_f1": metrics.macro_f1,
    "precision": metrics.precision,
    "recall": metrics.recall,
}
HEADLINE = ("accuracy", "balanced_accuracy", "macro_f1")


@dataclass(frozen=True, eq=False)
class Figures:
    """How right a classifier is on some crops.

    Attributes:
        counts: (C,) true, predicted and right crops of each label.
        locations: number of locations that the crops are from.
        intervals: by name of ``STATISTICS``; NaN where there is none.
    """

    counts: metrics.Counts
    locations: int
    intervals: dict[str, Interval]

    @property
    def crops(self) -> int:
        """Number of crops."""
        return int(self.counts.truth.sum())

    def value(self, name: str) -> metrics.Floats:
        """Return a figure of ``STATISTICS``: () for the headline ones, else (C,)."""
        return STATISTICS[name](self.counts)

    def headline(self) -> dict[str, object]:
        """Return what ``evaluation.json`` says: the numbers, and a figure with its interval."""
        table: dict[str, object] = {"crops": self.crops, "locations": self.locations}
        for name in HEADLINE:
            low, high = map(float, self.intervals[name])
            interval = [low, high] if low <= high else None
            table[name] = {"value": float(self.value(name)), "interval": interval}
        return table


def of(
    labels: npt.NDArray[np.integer],
    predicted: npt.NDArray[np.integer],
    locations: npt.NDArray[np.integer],
    num_labels: int,
    seed: int = 0,
) -> Figures | None:
    """Compute the figures of (N,) crops; None if N is 0."""
    if not len(labels):
        return None
    counts = metrics.by_location(labels, predicted, locations, num_labels)
    number = len(counts.truth)
    drawn = metrics.weighted(intervals.draws(number, seed=seed), counts)
    # A label's figure is of the locations that have it, or where it is predicted.
    of_label = {"recall": (counts.truth > 0).sum(axis=0)}
    of_label["precision"] = (counts.predicted > 0).sum(axis=0)
    found = {
        name: intervals.interval(statistic(drawn), of_label.get(name, number))
        for name, statistic in STATISTICS.items()
    }
    return Figures(metrics.weighted(np.ones(number), counts), number, found)
