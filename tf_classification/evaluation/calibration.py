"""Fitting a calibration: from a network's logits on validation pictures to honest probabilities.

Networks are too sure of themselves.  *Temperature* divides all logits by one number, which is
safe with little data and keeps every prediction.  *Isotonic* bends each label's probability by a
rising curve of its own and makes the sum 1 again; it can mend what a temperature cannot, needs
some hundred validation crops of each label, and may change predictions.

How a calibration is applied is written once, in ``models.calibration``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tf_classification.evaluation.metrics import Floats
from tf_classification.models.calibration import CLOSEST_POINTS, Calibration, CalibrationCurve

_ROWS = 8192  # rows of logits at a time
_COLDEST, _HOTTEST = 0.01, 100.0
# A label with fewer examples than this gets no curve: it would learn those few by heart.
FEWEST_EXAMPLES = 5


def fit(
    method: str, logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]
) -> Calibration:
    """Fit a calibration.

    Args:
        method: ``"temperature"`` or ``"isotonic"``.
        logits: (N, C) of pictures that the network was not trained on; may lie on the disk.
        labels: (N,) true labels.

    Raises:
        ValueError: if there is no row.
    """
    if not len(labels):
        raise ValueError("no validation example to calibrate with")
    if method == "temperature":
        return temperature(logits, labels)
    return isotonic(logits, labels)


def temperature(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Calibration:
    """Find the temperature of least cross-entropy, between 0.01 and 100.

    The true label counts as 1 - e and each other one as e / (C - 1), e = 1 / (N + 2): were all N
    right, the next one might still be wrong, and the temperature must not go to 0.

    The cross-entropy is convex in b = 1 / temperature, so its slope rises and has one zero:
    sum over rows of  (mean logit under softmax(b * logits)) - (mean logit under the targets).

    Source: C. Guo et al., "On Calibration of Modern Neural Networks" (2017), section 4.2; the
    targets from J. Platt, "Probabilistic Outputs for Support Vector Machines" (1999).
    """
    low, high = np.log(1 / _HOTTEST), np.log(1 / _COLDEST)
    while high - low > 1e-6:
        middle = (low + high) / 2
        if _slope(logits, labels, np.exp(middle)) < 0:
            low = middle
        else:
            high = middle
    return Calibration(temperature=float(np.exp(-(low + high) / 2)))


def _slope(
    logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer], factor: float
) -> float:
    total, doubt = 0.0, 1 / (len(labels) + 2)
    for start in range(0, len(labels), _ROWS):
        rows = np.asarray(logits[start : start + _ROWS], np.float64)
        powers = np.exp(factor * (rows - rows.max(axis=1, keepdims=True)))
        mean = (powers * rows).sum(axis=1) / powers.sum(axis=1)
        own = rows[np.arange(len(rows)), labels[start : start + _ROWS]]
        others = (rows.sum(axis=1) - own) / max(rows.shape[1] - 1, 1)
        total += float((mean - (1 - doubt) * own - doubt * others).sum())
    return total


def isotonic(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> Calibration:
    """Fit a rising curve for each label, one against the rest, after the best temperature.

    A label with fewer than ``FEWEST_EXAMPLES`` examples keeps its probability as it is.
    """
    start = temperature(logits, labels)
    probabilities = start.probabilities(logits)
    curves = [_curve(column, labels == i) for i, column in enumerate(probabilities.T)]
    return Calibration(start.temperature, tuple(curves))


def _curve(probability: npt.NDArray[np.floating], true: npt.NDArray[np.bool_]) -> CalibrationCurve:
    from sklearn.isotonic import IsotonicRegression

    grid = np.linspace(0, 1, round(1 / CLOSEST_POINTS) + 1)
    if true.sum() < FEWEST_EXAMPLES:
        return CalibrationCurve((0.0, 1.0), (0.0, 1.0))
    fitted = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(probability, true)
    # One more example that says "leave it": no step is flat, so the order of two crops is kept
    # and nothing becomes impossible.
    y = (len(true) * fitted.predict(grid) + grid) / (len(true) + 1)
    return CalibrationCurve(*_thinned(grid, np.clip(np.maximum.accumulate(y), 0, 1)))


def _thinned(x: Floats, y: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Leave out the points of a line that lie on it anyway; both ends stay."""
    bend = np.abs(np.diff(y, 2)) > 1e-9
    keep = np.concatenate([[True], bend, [True]])
    return tuple(x[keep].tolist()), tuple(y[keep].tolist())
