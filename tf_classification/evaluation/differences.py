"""Which of two classifiers is better, told from the same crops.

Every figure is drawn for both at the same locations, so what makes a place hard for both falls
out of the difference, and its interval is far narrower than those of the two figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core import intervals
from database_tools.core.intervals import Interval
from tf_classification.evaluation import metrics
from tf_classification.evaluation.figures import HEADLINE, STATISTICS
from tf_classification.evaluation.metrics import Counts, Floats
from tf_classification.evaluation.reliability import BINS, ReliabilityCurve, bin_of

ERROR = "calibration_error"
FIGURES = (*HEADLINE, ERROR)
BY_LABEL = ("precision", "recall")


@dataclass(frozen=True, eq=False)
class Said:
    """What one classifier said of n crops.

    Attributes:
        predicted: (n,) label of the highest probability.
        confidences: (n,) that probability.
    """

    predicted: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Difference:
    """One figure of both classifiers.

    Attributes:
        first: of the first: () for ``FIGURES``, (C,) for ``BY_LABEL``.
        second: of the second.
        interval: of second - first, 95 % over locations; NaN for none.
        locations: that it is of, of the same shape.
    """

    first: Floats
    second: Floats
    interval: Interval
    locations: npt.NDArray[np.integer]

    @property
    def change(self) -> Floats:
        """Second - first."""
        return self.second - self.first


@dataclass(frozen=True, eq=False)
class Comparison:
    """How two classifiers differ.

    Attributes:
        figures: by name of ``FIGURES`` and of ``BY_LABEL``.
        crops: (C,) of each label.
        places: (L,) numbers of the locations, ascending.
        place_crops: (L,) crops at each.
        place_right: (2, L) of these right, by the first and by the second.
    """

    figures: dict[str, Difference]
    crops: Floats
    places: npt.NDArray[np.integer]
    place_crops: Floats
    place_right: Floats


def compare(
    labels: npt.NDArray[np.integer],
    locations: npt.NDArray[np.integer],
    first: Said,
    second: Said,
    num_labels: int,
    seed: int = 0,
) -> Comparison:
    """Compare what two classifiers say of the same n crops, at least one.

    Args:
        labels: (n,) true labels.
        locations: (n,) any integers; equal ones are one location.
        first: classifier.
        second: classifier.
        num_labels: C.
        seed: of the draws of locations.
    """
    places, place = np.unique(locations, return_inverse=True)
    both = [metrics.by_location(labels, s.predicted, place, num_labels) for s in (first, second)]
    times, once = intervals.draws(len(places), seed=seed), np.ones(len(places))
    number = _locations(both, len(places), num_labels)
    figures = {}
    for name in (*HEADLINE, *BY_LABEL):
        a, b = (STATISTICS[name](metrics.weighted(once, counts)) for counts in both)
        drawn = [STATISTICS[name](metrics.weighted(times, counts)) for counts in both]
        where = number.get(name, np.array(len(places)))
        figures[name] = Difference(a, b, intervals.interval(drawn[1] - drawn[0], where), where)
    figures[ERROR] = _errors(labels, place, (first, second), times)
    return Comparison(
        figures,
        both[0].truth.sum(axis=0),
        places,
        both[0].truth.sum(axis=1),
        np.stack([counts.right.sum(axis=1) for counts in both]),
    )


def _locations(
    both: list[Counts], places: int, num_labels: int
) -> dict[str, npt.NDArray[np.integer]]:
    """Count the locations that a label's figures are of: those that have it, or predict it."""
    predicted = np.zeros((places, num_labels), bool)
    for counts in both:
        predicted |= counts.predicted > 0
    return {"recall": (both[0].truth > 0).sum(axis=0), "precision": predicted.sum(axis=0)}


def _errors(
    labels: npt.NDArray[np.integer],
    place: npt.NDArray[np.integer],
    both: tuple[Said, Said],
    times: Floats,
) -> Difference:
    """Compare the calibration errors: lower is better."""
    values, drawn = [], []
    for said in both:
        flat, size = place * BINS + bin_of(said.confidences), times.shape[1] * BINS
        of = (None, said.confidences.astype(np.float64), (said.predicted == labels) * 1.0)
        sums = [np.bincount(flat, w, minlength=size).reshape(-1, BINS) for w in of]
        values.append(ReliabilityCurve(*(s.sum(axis=0) * 1.0 for s in sums)).error)
        drawn.append(ReliabilityCurve(*(times @ s for s in sums)).error)
    found = intervals.interval(drawn[1] - drawn[0], times.shape[1])
    return Difference(values[0], values[1], found, np.array(times.shape[1]))


def verdict(name: str, of: Difference, names: tuple[str, str]) -> str:
    """Say which of the two is better by a figure of ``FIGURES``, if the locations can tell."""
    low, high = map(float, of.interval)
    if float(of.change) == 0 and not low <= high:
        return "no difference"
    if not low <= high or low <= 0 <= high:
        return f"not enough locations to tell ({int(of.locations)})"
    return f"{names[(low > 0) != (name == ERROR)]} is better"
