"""What thresholds accept, and how much of that is right.

A prediction is *accepted* when its confidence reaches a threshold.  The risk-coverage curve says
how much is accepted (coverage) and how much of that is right (precision) as the threshold falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools.core import intervals
from database_tools.core.intervals import Interval
from tf_classification.evaluation.metrics import Floats


@dataclass(frozen=True, slots=True)
class RiskCoverage:
    """One point for each distinct confidence, highest first.

    Attributes:
        threshold: (P,) accept what is at least this sure.
        coverage: (P,) share of all examples that are accepted.
        precision: (P,) share of the accepted ones that are right.
    """

    threshold: Floats
    coverage: Floats
    precision: Floats


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What a set of thresholds does to a split.

    Attributes:
        examples: (C,) predictions of each label, or () of all.
        accepted: of them accepted.
        right: of those right.
    """

    examples: Floats
    accepted: Floats
    right: Floats

    @property
    def coverage(self) -> float:
        """Share of all examples that is accepted."""
        return float(self.accepted.sum() / self.examples.sum())

    @property
    def precision(self) -> float | None:
        """Share of the accepted ones that is right; None if there are none."""
        accepted = float(self.accepted.sum())
        return float(self.right.sum()) / accepted if accepted else None


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
    return RiskCoverage(sure[last], coverage, precision)


def of_labels(
    accepted: npt.NDArray[np.bool_],
    predicted: npt.NDArray[np.integer],
    right: npt.NDArray[np.bool_],
    num_labels: int,
) -> Acceptance:
    """Count the accepted ones of (N,) predictions by predicted label."""
    chosen = (np.ones(len(accepted), bool), accepted, accepted & right)
    counts = (np.bincount(predicted[rows], minlength=num_labels) for rows in chosen)
    return Acceptance(*(count.astype(np.float64) for count in counts))


def of_images(
    images: Sequence[str], accepted: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_]
) -> Acceptance:
    """Count whole images: accepted, and right, if every crop is."""
    sure, so = by_image(images, accepted.astype(np.float64), right)
    counts = (len(sure), (sure > 0).sum(), ((sure > 0) & so).sum())
    return Acceptance(*(np.asarray(count, np.float64) for count in counts))


def interval(
    accepted: npt.NDArray[np.bool_],
    right: npt.NDArray[np.bool_],
    locations: npt.NDArray[np.integer],
) -> Interval:
    """Give the 95 % interval of the share of accepted ones that is right; NaN for none."""
    _, place = np.unique(locations[accepted], return_inverse=True)
    if not len(place):
        return Interval(np.array(np.nan), np.array(np.nan))
    crops, hits = np.bincount(place), np.bincount(place, right[accepted])
    times = intervals.draws(len(crops))
    return intervals.interval((times @ hits) / (times @ crops), len(crops))
