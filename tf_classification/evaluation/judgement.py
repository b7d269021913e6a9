"""What is found out about a classifier on one split, in one pass over what it says.

Batches come of a network's logits or of a CSV of anybody's classifier::

    with classifier_csv.reading(path) as table:
        batches = judgement.of_csv(path, table, truth)
        judged = judgement.judge("test", truth, batches, len(table.label_names))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import UserError
from database_tools.core.names import CropName
from database_tools.formats.classifier_csv import Table
from tf_classification.data.examples import Examples
from tf_classification.evaluation import acceptance, figures
from tf_classification.evaluation.figures import Figures
from tf_classification.evaluation.reliability import Reliability
from tf_classification.evaluation.tally import Tally
from tf_classification.models.calibration import Calibration

_PLAIN = Calibration()


@dataclass(frozen=True, eq=False)
class Predictions:
    """The crops of a split that could be decoded, and what they were taken for.

    Attributes:
        rows: (n,) rows of ``Examples``.
        keys: (n,) names of the crops.
        labels: (n,) true labels.
        locations: (n,) location numbers.
        predicted: (n,) labels of the highest probability.
        confidences: (n,) float32, that probability.
    """

    rows: npt.NDArray[np.int64]
    keys: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int32]
    locations: npt.NDArray[np.int32]
    predicted: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float32]

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """(n,) whether the prediction is the true label."""
        return self.predicted == self.labels

    def confusion(self, num_labels: int, at_least: float = 0.0) -> npt.NDArray[np.int64]:
        """Count (C, C), rows true, columns predicted, of crops with at least this confidence."""
        sure = self.confidences >= at_least
        table = np.zeros((num_labels, num_labels), np.int64)
        np.add.at(table, (self.labels[sure], self.predicted[sure]), 1)
        return table

    @property
    def images(self) -> list[str]:
        """Names of the images that the crops were cut from, as far as their names tell."""
        return [_image(str(key)) for key in self.keys]


def _image(crop: str) -> str:
    try:
        return CropName.parse(crop).image
    except ValueError:  # a record's key
        return crop


@dataclass(frozen=True, eq=False)
class Judgement:
    """What is found out about one split.

    Attributes:
        split: its name.
        predictions: of each crop.
        overall: the row of ``overall_metrics.csv``.
        confusion: (C, C) int64, rows true, columns predicted.
        before: how far plain softmax can be trusted.
        after: how far the calibrated probabilities can be trusted.
        figures: of ``"all"`` crops, of those from locations that the model was trained on,
            ``"seen"``, and of those from other ones, ``"new"``; None where there is no crop, or
            nobody knows where the model was trained.
    """

    split: str
    predictions: Predictions
    overall: dict[str, float]
    confusion: npt.NDArray[np.int64]
    before: Reliability
    after: Reliability
    figures: dict[str, Figures | None]

    def risk_coverage(self, *, by_image: bool) -> acceptance.RiskCoverage:
        """Return the curve of crops, or of whole images, that can be accepted unseen."""
        confidence, right = self.predictions.confidences, self.predictions.right
        if not by_image:
            return acceptance.risk_coverage(confidence, right)
        return acceptance.risk_coverage(
            *acceptance.by_image(self.predictions.images, confidence, right)
        )


@dataclass(frozen=True, eq=False)
class Truth:
    """What is known about the N crops of a split, whatever a classifier says of them."""

    keys: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int32]
    locations: npt.NDArray[np.int32]

    @classmethod
    def of(cls, examples: Examples) -> Truth:
        """Take it from the examples of a split."""
        return cls(examples.keys, examples.labels, examples.locations)


@dataclass(frozen=True, eq=False)
class Batch:
    """What is said of some crops.

    Attributes:
        rows: (n,) their rows in ``Truth``.
        scores: (n, C) logits whose softmax is ``probabilities``, for ranks and losses.
        probabilities: (n, C) float32.
        plain: (n, C) probabilities before calibration.
    """

    rows: npt.NDArray[np.int64]
    scores: npt.NDArray[np.floating]
    probabilities: npt.NDArray[np.float32]
    plain: npt.NDArray[np.float32]


def of_logits(
    rows: npt.NDArray[np.int64], logits: npt.NDArray[np.float32], calibration: Calibration
) -> Batch:
    """Make a batch of a network's (n, C) logits."""
    probabilities = calibration.probabilities(logits)
    plain = probabilities if calibration == _PLAIN else _PLAIN.probabilities(logits)
    return Batch(rows, calibration.logits(logits), probabilities, plain)


def of_probabilities(rows: npt.NDArray[np.int64], probabilities: npt.NDArray[np.floating]) -> Batch:
    """Make a batch of (n, C) probabilities of which nothing else is known."""
    with np.errstate(divide="ignore"):
        scores = np.log(np.asarray(probabilities, np.float64))
    given = probabilities.astype(np.float32)
    return Batch(rows, scores, given, given)


def of_csv(path: Path, table: Table, truth: Truth) -> Iterator[Batch]:
    """Make batches of a classifier CSV.

    Args:
        path: of the table, for messages.
        table: opened by ``classifier_csv.reading``; rows are in the order of ``truth``, which may
            have more.
        truth: about the crops.

    Raises:
        UserError: if a row is of another crop, or not at its place.
    """
    following = iter(enumerate(map(str, truth.keys)))
    for read in table:
        found = []
        for key in read.paths:
            # Keys may repeat (several crops of a record's picture), but the order is the same.
            row = next((i for i, crop in following if crop == key), None)
            if row is None:
                raise UserError(f"{path}: {key} is not in the split, or not at its place")
            found.append(row)
        yield of_probabilities(np.array(found, np.int64), read.probabilities)


def judge(
    split: str,
    truth: Truth,
    batches: Iterable[Batch],
    num_labels: int,
    seen: npt.NDArray[np.int64] | None = None,
) -> Judgement:
    """Judge what is said of a split.

    Args:
        split: its name.
        truth: about its crops.
        batches: what is said; crops that are in none are left out.
        num_labels: C.
        seen: numbers of the locations that the model was trained on; None if unknown.
    """
    tally, before, after = Tally.empty(num_labels), Reliability(num_labels), Reliability(num_labels)
    rows, predicted = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    confidences = [np.zeros(0, np.float32)]
    for batch in batches:
        labels = truth.labels[batch.rows]
        tally.add(batch.scores, labels)
        before.add(batch.plain, labels)
        after.add(batch.probabilities, labels)
        rows.append(batch.rows)
        predicted.append(batch.scores.argmax(axis=1))
        confidences.append(batch.probabilities.max(axis=1))
    at = np.concatenate(rows)
    found = Predictions(
        at,
        truth.keys[at],
        truth.labels[at],
        truth.locations[at],
        np.concatenate(predicted),
        np.concatenate(confidences),
    )
    return Judgement(
        split,
        found,
        tally.scores(),
        tally.confusion.astype(np.int64),
        before,
        after,
        _by_place(found, num_labels, seen),
    )


def _by_place(
    found: Predictions, number: int, seen: npt.NDArray[np.int64] | None
) -> dict[str, Figures | None]:
    """Compute the figures of all crops, and of those from locations seen in training or new."""

    def of(chosen: npt.NDArray[np.bool_]) -> Figures | None:
        parts = (found.labels[chosen], found.predicted[chosen], found.locations[chosen])
        return figures.of(*parts, number)

    known = np.full(len(found.rows), seen is not None)
    before = np.isin(found.locations, [] if seen is None else seen)
    return {"all": of(known | True), "seen": of(known & before), "new": of(known & ~before)}
