"""The headline figures of a set of crops, each with its interval over locations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tf_classification.evaluation import bootstrap, metrics
from tf_classification.evaluation.bootstrap import Interval

STATISTICS = {
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
        intervals: by name of ``STATISTICS``; None with fewer than two locations.
    """

    counts: metrics.Counts
    locations: int
    intervals: dict[str, Interval] | None

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
            interval = None
            if self.intervals is not None:
                interval = [float(bound) for bound in self.intervals[name]]
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
    counts = bootstrap.by_location(labels, predicted, locations, num_labels)
    intervals = bootstrap.intervals(counts, STATISTICS, seed=seed)
    return Figures(bootstrap.total(counts), len(counts.truth), intervals)
