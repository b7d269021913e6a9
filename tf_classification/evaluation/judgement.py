"""What is found out about a classifier on one split, in one pass over its logits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import UserError
from database_tools.core.names import CropName
from database_tools.core.weights import balance
from tf_classification.data.examples import Examples
from tf_classification.evaluation import acceptance, figures, outputs
from tf_classification.evaluation.figures import Figures
from tf_classification.evaluation.outputs import Outputs
from tf_classification.evaluation.reliability import Reliability
from tf_classification.evaluation.tally import Tally
from tf_classification.models.calibration import Calibration

_ROWS = 4096  # rows at a time
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


def from_outputs(read: Outputs, examples: Examples) -> Predictions:
    """Make predictions of an ``outputs_{split}.csv.gz`` that was read back, for a notebook.

    Raises:
        UserError: if the file is of other crops than the split.
    """
    found, following = [], iter(enumerate(zip(examples.keys, examples.labels, strict=True)))
    for key, label in zip(read.keys, read.labels, strict=True):
        # Keys may repeat (several crops of a record's picture), but the order is the same.
        row = next((i for i, crop in following if crop == (key, label)), None)
        if row is None:
            raise UserError(f"{key} is not in the split, or not at its place")
        found.append(row)
    rows = np.array(found, np.int64)
    return Predictions(
        rows,
        examples.keys[rows],
        read.labels,
        examples.locations[rows],
        read.probabilities.argmax(axis=1),
        read.probabilities.max(axis=1),
    )


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
class Study:
    """What is the same for all splits.

    Attributes:
        label_names: C names, columns of the logits.
        calibration: from logits to probabilities.
        seen: numbers of the locations that the model was trained on; None if unknown.
        output_dir: where ``outputs_{split}.csv.gz`` goes.
    """

    label_names: Sequence[str]
    calibration: Calibration
    seen: npt.NDArray[np.int64] | None
    output_dir: Path


def judge(
    study: Study,
    split: str,
    examples: Examples,
    rows: npt.NDArray[np.int64],
    logits: npt.NDArray[np.float32],
) -> Judgement:
    """Judge a split and write its ``outputs_{split}.csv.gz``.

    Args:
        study: what is the same for all splits.
        split: its name.
        examples: its crops.
        rows: (n,) rows of ``examples``, at least one.
        logits: (n, C) of these rows; may lie on the disk.
    """
    labels, locations = examples.labels[rows], examples.locations[rows]
    number = len(study.label_names)
    weights = balance(labels, np.ones(len(labels)))
    tally, before, after = Tally.empty(number), Reliability(number), Reliability(number)
    predicted = np.zeros(len(rows), np.int64)
    confidences = np.zeros(len(rows), np.float32)
    with outputs.writing(study.output_dir / outputs.file_name(split), study.label_names) as writer:
        for start in range(0, len(rows), _ROWS):
            part = slice(start, start + _ROWS)
            probabilities = study.calibration.probabilities(logits[part])
            writer.write(examples.keys[rows[part]], labels[part], weights[part], probabilities)
            scores = study.calibration.logits(logits[part])
            tally.add(scores, labels[part])
            before.add(_PLAIN.probabilities(logits[part]), labels[part])
            after.add(probabilities, labels[part])
            predicted[part] = scores.argmax(axis=1)
            confidences[part] = probabilities.max(axis=1)
    found = Predictions(rows, examples.keys[rows], labels, locations, predicted, confidences)
    return Judgement(
        split,
        found,
        tally.scores(),
        tally.confusion.astype(np.int64),
        before,
        after,
        _by_place(found, number, study.seen),
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
