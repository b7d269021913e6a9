"""What an evaluation found, and ``evaluation.json``, its headline figures for programs.

    {"labels": ["cat", "deer", "fox"],
     "calibration": {"temperature": 1.7, "curves": null},
     "wanted_precision": 0.95,
     "thresholds": {"cat": 0.61, "deer": 0.9, "fox": null},
     "shared": ["deer"],
     "splits": {"test": {
       "all": {"crops": 412, "locations": 9,
               "accuracy": {"value": 0.93, "interval": [0.9, 0.96]},
               "balanced_accuracy": {...}, "macro_f1": {...}},
       "seen": null,
       "new": {...},
       "calibration_error": {"before": 0.06, "after": 0.02},
       "accepted": {"crops": {"coverage": 0.71, "precision": 0.96},
                    "images": {"coverage": 0.6, "precision": 0.97}}}}}

Thresholds are chosen on val and promise what ``core.thresholds`` says; null: look at every crop
of the label.  ``shared`` names the labels with the threshold of all labels together.
``accepted`` is what the thresholds do to a split; null without thresholds.  An interval is null
where there is none, a precision where nothing is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tf_classification.evaluation import acceptance
from tf_classification.evaluation.acceptance import Acceptance
from tf_classification.evaluation.judgement import Judgement
from tf_classification.models.calibration import Calibration


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an evaluation found; a model bundle keeps calibration and thresholds.

    Attributes:
        label_names: the columns of the outputs.
        calibration: from logits to probabilities.
        thresholds: label to the smallest probability at which to accept it without a look; None
            for a label that should always be looked at.  Empty if nobody knows.
        shared: the labels whose threshold is that of all labels together.
        precision: that the thresholds are for.
        judgements: one for each split.
    """

    label_names: tuple[str, ...]
    calibration: Calibration
    thresholds: Mapping[str, float | None]
    shared: frozenset[str]
    precision: float
    judgements: tuple[Judgement, ...]

    def accepted(self, judged: Judgement) -> npt.NDArray[np.bool_]:
        """Tell which crops of a split the thresholds accept, (n,)."""
        given = (self.thresholds.get(name) for name in self.label_names)
        limits = np.array([np.nan if limit is None else limit for limit in given], np.float64)
        found = judged.predictions
        return found.confidences.astype(np.float64) >= limits[found.predicted]

    def acceptance(self, judged: Judgement) -> tuple[Acceptance, Acceptance] | None:
        """Count the accepted crops of a split by label, and images; None without thresholds."""
        if not self.thresholds:
            return None
        found, accepted = judged.predictions, self.accepted(judged)
        number = len(self.label_names)
        of_crops = acceptance.of_labels(accepted, found.predicted, found.right, number)
        return of_crops, acceptance.of_images(found.images, accepted, found.right)


def of(evaluation: Evaluation) -> dict[str, object]:
    """Return the content of ``evaluation.json``."""
    return {
        "labels": list(evaluation.label_names),
        "calibration": evaluation.calibration.to_json(evaluation.label_names),
        "wanted_precision": evaluation.precision,
        "thresholds": dict(evaluation.thresholds),
        "shared": sorted(evaluation.shared),
        "splits": {judged.split: _split(evaluation, judged) for judged in evaluation.judgements},
    }


def _split(evaluation: Evaluation, judged: Judgement) -> dict[str, object]:
    places = {name: f and f.headline() for name, f in judged.figures.items()}
    errors = {"before": float(judged.before.top.error), "after": float(judged.after.top.error)}
    accepted = _accepted(evaluation.acceptance(judged))
    return {**places, "calibration_error": errors, "accepted": accepted}


def _accepted(found: tuple[Acceptance, Acceptance] | None) -> dict[str, object] | None:
    if found is None:
        return None
    named = zip(("crops", "images"), found, strict=True)
    return {name: {"coverage": a.coverage, "precision": a.precision} for name, a in named}
