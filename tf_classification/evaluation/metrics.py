"""How right a classifier is: figures from counts, and the counts from batches.

Every figure here is a function of three counts for each label (true, predicted, right), so that
the same line of arithmetic serves a whole split, one location and a thousand bootstrap samples.
Percent appears only where a file wants it; here all shares are in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TOP_K = (1, 3)
_SMALLEST = float(np.finfo(np.float32).tiny)


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


def ranks(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Ints:
    """Tell how many labels come before the true one, (N,); 0 is right.

    Args:
        scores: (N, C) any score that grows with the probability.
        labels: (N,) true label of each row.

    Returns:
        (N,) int64.  Of equal scores the lower label comes first, as in ``argmax``.
    """
    rows = np.arange(len(labels))
    own = scores[rows, labels][:, None]
    earlier = np.arange(scores.shape[1]) < np.asarray(labels)[:, None]
    return ((scores > own) | ((scores == own) & earlier)).sum(axis=1)


class Tally:
    """Sums over batches of predictions, in memory that does not grow with their number.

    Attributes:
        confusion: (C, C) int64, rows true, columns predicted.
    """

    def __init__(self, num_labels: int) -> None:
        self.confusion = np.zeros((num_labels, num_labels), np.int64)
        self._total = np.zeros(2)  # examples, weight; so are the pairs below: plain, weighted
        self._loss = np.zeros(2)
        self._hits = {k: np.zeros(2) for k in TOP_K}

    def add(
        self,
        probabilities: npt.NDArray[np.floating],
        labels: npt.NDArray[np.integer],
        weights: npt.NDArray[np.floating],
    ) -> None:
        """Count one batch.

        Args:
            probabilities: (N, C) in [0, 1].  A true label's probability of 0 counts as the
                smallest float32, so that one example cannot make the mean loss infinite.
            labels: (N,) true labels.
            weights: (N,) weight of each example in the weighted figures.
        """
        both = np.stack([np.ones(len(labels)), np.asarray(weights, np.float64)])
        np.add.at(self.confusion, (labels, probabilities.argmax(axis=1)), 1)
        own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
        self._loss -= both @ np.log(np.maximum(own, _SMALLEST))
        rank = ranks(probabilities, labels)
        for k, hits in self._hits.items():
            hits += both @ (rank < k)
        self._total += both.sum(axis=1)

    def overall(self) -> dict[str, float]:
        """Give the row of ``overall_metrics.csv``: losses, and accuracies in percent.

        Source: README, step 7.  With fewer than 3 labels ``acc_top3`` is 100.
        """
        loss = _ratio(self._loss, self._total, np.nan)
        share = {k: 100 * _ratio(hits, self._total, np.nan) for k, hits in self._hits.items()}
        plain = {f"acc_top{k}": float(share[k][0]) for k in TOP_K}
        weighted = {f"acc_weighted_top{k}": float(share[k][1]) for k in TOP_K}
        return {"loss": float(loss[0]), "loss_weighted": float(loss[1]), **plain, **weighted}
