"""How sure is sure enough: what can be accepted without a look, for a wanted precision.

A prediction is *accepted* when its confidence reaches a threshold.  The risk-coverage curve says
how much is accepted (coverage) and how much of that is right (precision) as the threshold falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tf_classification.evaluation.metrics import Floats

# Fewer accepted validation examples than this say nothing about 95 %.
FEWEST_ACCEPTED = 20


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """One point for each distinct confidence, highest first.

    Attributes:
        threshold: (P,) accept what is at least this sure.
        coverage: (P,) share of all examples that are accepted.
        precision: (P,) share of the accepted ones that are right.
        accepted: (P,) number of accepted examples.
    """

    threshold: Floats
    coverage: Floats
    precision: Floats
    accepted: Floats

    def at(self, precision: float, fewest: int = 1) -> int | None:
        """Find the point of largest coverage that keeps ``precision``; None if there is none.

        Args:
            precision: wanted share of right ones among the accepted, in (0, 1].
            fewest: points with fewer accepted examples do not count.
        """
        good = np.flatnonzero((self.precision >= precision) & (self.accepted >= fewest))
        return int(good[-1]) if len(good) else None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a set of thresholds does to a split.

    Attributes:
        examples: (C,) predictions of each label.
        accepted: (C,) of them accepted.
        right: (C,) of those right.
    """

    examples: Floats
    accepted: Floats
    right: Floats


def by_image(
    images: Sequence[str], confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Turn crops into their images: as sure as the least sure crop, right if every crop is.

    Args:
        images: (N,) name of the image that each crop was cut from.
        confidence: (N,) probability of the predicted label.
        right: (N,) whether it is the true one.

    Returns:
        (I,) confidences and (I,) whether right, of the images in the order of their names.
    """
    names, image = np.unique(np.array(images, object).astype(str), return_inverse=True)
    least, all_right = np.full(len(names), np.inf), np.ones(len(names), bool)
    np.minimum.at(least, image, confidence)
    np.logical_and.at(all_right, image, right)
    return least, all_right


def risk_coverage(
    confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]
) -> RiskCoverage:
    """Compute the curve of (N,) confidences and whether each prediction is right.

    Equal confidences are accepted together, since no threshold can part them.
    """
    order = np.argsort(-confidence, kind="stable")
    sure = np.asarray(confidence)[order].astype(np.float64)
    hit = np.asarray(right, np.float64)[order]
    last = np.flatnonzero(np.append(np.diff(sure) != 0, len(sure) > 0))
    accepted = (last + 1).astype(np.float64)
    precision = (np.cumsum(hit)[last] / accepted).astype(np.float64)
    coverage = accepted / max(len(sure), 1)
    return RiskCoverage(sure[last], coverage, precision, accepted)


def choose(
    confidence: npt.NDArray[np.floating],
    predicted: npt.NDArray[np.integer],
    right: npt.NDArray[np.bool_],
    num_labels: int,
    precision: float,
) -> Floats:
    """Choose for each label the lowest threshold whose accepted predictions keep a precision.

    Args:
        confidence: (N,) probability of the predicted label, of validation examples.
        predicted: (N,) predicted label.
        right: (N,) whether it is the true one.
        num_labels: C.
        precision: wanted share of right ones among the accepted, in (0, 1].

    Returns:
        (C,) thresholds in [0, 1].  A label for which no threshold with ``FEWEST_ACCEPTED``
        accepted examples keeps the precision gets the threshold of all labels together, or, when
        more than one of its own examples is wrong there and the precision is missed, NaN: always
        look at it.
    """
    curve = risk_coverage(confidence, right)
    point = curve.at(precision, FEWEST_ACCEPTED)
    shared = curve.threshold[point] if point is not None else np.nan
    return np.array(
        [
            _of_label(confidence[mine], right[mine], float(shared), precision)
            for mine in (predicted == i for i in range(num_labels))
        ]
    )


def _of_label(
    confidence: npt.NDArray[np.floating],
    right: npt.NDArray[np.bool_],
    shared: float,
    precision: float,
) -> float:
    own = risk_coverage(confidence, right)
    point = own.at(precision, FEWEST_ACCEPTED)
    if point is not None:
        return float(own.threshold[point])
    sure = right[confidence >= shared]
    wrong = len(sure) - int(sure.sum())
    # One mistake among few examples is chance; two are a warning.
    return np.nan if wrong > 1 and wrong > (1 - precision) * len(sure) else shared


def apply(
    thresholds: Floats,
    confidence: npt.NDArray[np.floating],
    predicted: npt.NDArray[np.integer],
    right: npt.NDArray[np.bool_],
) -> Acceptance:
    """Count what (C,) thresholds accept of (N,) predictions; NaN accepts nothing."""
    number = len(thresholds)
    accepted = np.asarray(confidence, np.float64) >= np.asarray(thresholds)[predicted]
    return Acceptance(
        np.bincount(predicted, minlength=number).astype(np.float64),
        np.bincount(predicted[accepted], minlength=number).astype(np.float64),
        np.bincount(predicted[accepted & right], minlength=number).astype(np.float64),
    )
