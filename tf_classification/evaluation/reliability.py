"""Whether probabilities mean what they say: calibration curves and the expected calibration error.

Of the crops to which a classifier gives 0.8, eight in ten should be right.  The curve compares,
bin by bin, what was said with what was so; the error is the mean gap, each bin weighing as many
examples as it has::

    ECE = sum over bins of  (examples in the bin / all examples) * |share right - mean confidence|
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tf_classification.evaluation.metrics import Floats

BINS = 20


@dataclass(frozen=True, slots=True)
class ReliabilityCurve:
    """What was said and what was so, in ``BINS`` bins of equal width from 0 to 1.

    Attributes:
        number: (..., BINS) examples in each bin.
        said: (..., BINS) sum of the probabilities in it.
        so: (..., BINS) examples in it for which the event was true.
    """

    number: Floats
    said: Floats
    so: Floats

    @property
    def confidence(self) -> Floats:
        """Mean probability in each bin; NaN in an empty one."""
        return _mean(self.said, self.number)

    @property
    def share(self) -> Floats:
        """Share of true events in each bin; NaN in an empty one."""
        return _mean(self.so, self.number)

    @property
    def error(self) -> Floats:
        """Expected calibration error, (...); NaN without examples."""
        gaps = np.abs(self.so - self.said).sum(axis=-1)
        return _mean(gaps, self.number.sum(axis=-1))


class Reliability:
    """Curves summed over batches: of the predicted label, and of each label against the rest."""

    def __init__(self, num_labels: int) -> None:
        self._top = np.zeros((3, BINS))
        self._labels = np.zeros((3, num_labels, BINS))

    def add(self, probabilities: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> None:
        """Count one batch: (N, C) probabilities and (N,) true labels."""
        true = np.arange(probabilities.shape[1]) == np.asarray(labels)[:, None]
        best = probabilities.argmax(axis=1)
        rows = np.arange(len(labels))
        self._top += _sums(probabilities[rows, best][:, None], true[rows, best][:, None])[:, 0]
        self._labels += _sums(probabilities, true)

    @property
    def top(self) -> ReliabilityCurve:
        """Confidence in the predicted label against being right; arrays of shape (BINS,)."""
        return ReliabilityCurve(*self._top)

    @property
    def labels(self) -> ReliabilityCurve:
        """Each label's probability against being that label; arrays of shape (C, BINS)."""
        return ReliabilityCurve(*self._labels)


def bin_of(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """Number the bin of each probability; bins are open on the left, the first holds 0 too."""
    return np.clip(
        np.ceil(probabilities.astype(np.float64) * BINS).astype(np.int64) - 1, 0, BINS - 1
    )


def _sums(probabilities: npt.NDArray[np.floating], true: npt.NDArray[np.bool_]) -> Floats:
    """Sum (N, C) into (3, C, BINS): examples, probabilities, true events."""
    columns = probabilities.shape[1]
    flat = (bin_of(probabilities) + BINS * np.arange(columns)).ravel()
    weights = (None, probabilities.astype(np.float64).ravel(), true.astype(np.float64).ravel())
    sums = [np.bincount(flat, weight, minlength=BINS * columns) for weight in weights]
    return np.stack(sums).reshape(3, columns, BINS).astype(np.float64)


def _mean(total: Floats, number: Floats) -> Floats:
    return np.divide(total, number, out=np.full(np.shape(number), np.nan), where=number > 0)
