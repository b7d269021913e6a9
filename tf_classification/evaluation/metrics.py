"""How right a classifier is: figures from counts.

Every figure here is a function of three counts for each label (true, predicted, right), so that
the same line of arithmetic serves a whole split, one location and a thousand bootstrap samples.
Percent appears only where a file wants it; here all shares are in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of examples for each label; leading axes (locations, resamples) are free.

    Attributes:
        truth: (..., C) examples that are of the label.
        predicted: (..., C) examples that the classifier gives the label.
        right: (..., C) examples that are both.
    """

    truth: Floats
    predicted: Floats
    right: Floats


def counts(confusion: npt.NDArray[np.integer]) -> Counts:
    """Take the counts from a (C, C) confusion matrix, rows true, columns predicted."""
    table = np.asarray(confusion, np.float64)
    return Counts(table.sum(axis=1), table.sum(axis=0), np.diagonal(table).copy())


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


def weighted(times: Floats, locations: Counts) -> Counts:
    """Sum (L, C) counts over locations, each so many times: times (..., L) to (..., C)."""
    return Counts(times @ locations.truth, times @ locations.predicted, times @ locations.right)


def accuracy(of: Counts) -> Floats:
    """Share of right examples, (...); NaN where there is no example."""
    return _ratio(of.right.sum(axis=-1), of.truth.sum(axis=-1), np.nan)


def recall(of: Counts) -> Floats:
    """Share of a label's examples that were found, (..., C); NaN for a label without examples."""
    return _ratio(of.right, of.truth, np.nan)


def precision(of: Counts) -> Floats:
    """Share of a label's predictions that are right, (..., C); NaN where nothing is predicted."""
    return _ratio(of.right, of.predicted, np.nan)


def f1(of: Counts) -> Floats:
    """Harmonic mean of precision and recall, (..., C); NaN for a label without examples."""
    harmonic = _ratio(2 * of.right, of.truth + of.predicted, np.nan)
    return np.where(of.truth > 0, harmonic, np.nan)


def balanced_accuracy(of: Counts) -> Floats:
    """Mean recall over the labels that occur, (...)."""
    return _mean_of_known(recall(of))


def macro_f1(of: Counts) -> Floats:
    """Mean F1 over the labels that occur, (...), as WILDS iWildCam counts it.

    A label that is only ever predicted has no F1 of its own; its mistakes lower the others'.
    """
    return _mean_of_known(f1(of))


def _ratio(part: Floats, whole: Floats, otherwise: float) -> Floats:
    filled = np.full(np.broadcast(part, whole).shape, otherwise)
    return np.divide(part, whole, out=filled, where=whole > 0)


def _mean_of_known(values: Floats) -> Floats:
    known = ~np.isnan(values)
    return _ratio(np.where(known, values, 0).sum(axis=-1), known.sum(axis=-1) * 1.0, np.nan)
