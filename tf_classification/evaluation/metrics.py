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


def accuracy(of: Counts) -> Floats:
    """Share of right examples, (...); NaN where there is no example."""
    return _ratio(of.right.sum(axis=-1), of.truth.sum(axis=-1), np.nan)


def recall(of: Counts) -> Floats:
    """Share of a label's examples that were found, (..., C); NaN for a label without examples."""
    return _ratio(of.right, of.truth, np.nan)


def precision(of: Counts) -> Floats:
    """Share of a label's predictions that are right, (..., C); 0 where nothing is predicted."""
    return _ratio(of.right, of.predicted, 0.0)


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
