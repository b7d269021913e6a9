"""What an evaluation found, and ``evaluation.json``, its headline figures for programs.

    {"labels": ["cat", "deer"],
     "calibration": {"temperature": 1.7, "curves": null},
     "wanted_precision": 0.95,
     "thresholds": {"cat": 0.61, "deer": 1.0},
     "splits": {"test": {
       "all": {"crops": 412, "locations": 9,
               "accuracy": {"value": 0.93, "interval": [0.9, 0.96]},
               "balanced_accuracy": {...}, "macro_f1": {...}},
       "seen": null,
       "new": {...},
       "calibration_error": {"before": 0.06, "after": 0.02},
       "accepted": {"coverage": 0.71, "precision": 0.96},
       "reachable": {"crops": {"coverage": 0.74, "threshold": 0.8}, "images": {...}}}}}

``accepted`` is what the thresholds do, which were chosen on val; null without thresholds.
``reachable`` is the largest share that one threshold, chosen on these very crops, accepts at the
wanted precision; null where none does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tf_classification.evaluation import thresholds
from tf_classification.evaluation.judgement import Judgement
from tf_classification.evaluation.thresholds import Acceptance
from tf_classification.models.calibration import Calibration

# A threshold that only complete certainty reaches: always look at this label.
NEVER = 1.0


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What an evaluation found; a model bundle keeps calibration and thresholds.

    Attributes:
        label_names: the columns of the outputs.
        calibration: from logits to probabilities.
        thresholds: label to the smallest probability at which to accept it without a look;
            ``NEVER`` for a label that should always be looked at.  Empty if nobody knows.
        precision: that the thresholds are for.
        judgements: one for each split.
    """

    label_names: tuple[str, ...]
    calibration: Calibration
    thresholds: Mapping[str, float]
    precision: float
    judgements: tuple[Judgement, ...]

    def acceptance(self, judged: Judgement) -> Acceptance | None:
        """Count what the thresholds accept of a split; None without thresholds."""
        if not self.thresholds:
            return None
        limits = np.array([self.thresholds.get(name, NEVER) for name in self.label_names])
        found = judged.predictions
        return thresholds.apply(limits, found.confidences, found.predicted, found.right)


def of(evaluation: Evaluation) -> dict[str, object]:
    """Return the content of ``evaluation.json``."""
    return {
        "labels": list(evaluation.label_names),
        "calibration": evaluation.calibration.to_json(evaluation.label_names),
        "wanted_precision": evaluation.precision,
        "thresholds": dict(evaluation.thresholds),
        "splits": {judged.split: _split(evaluation, judged) for judged in evaluation.judgements},
    }


def _split(evaluation: Evaluation, judged: Judgement) -> dict[str, object]:
    places = {name: f and f.headline() for name, f in judged.figures.items()}
    errors = {"before": float(judged.before.top.error), "after": float(judged.after.top.error)}
    reachable = {
        "crops": _reachable(judged.risk_coverage(by_image=False), evaluation.precision),
        "images": _reachable(judged.risk_coverage(by_image=True), evaluation.precision),
    }
    accepted = _accepted(evaluation.acceptance(judged))
    return {**places, "calibration_error": errors, "accepted": accepted, "reachable": reachable}


def _accepted(acceptance: Acceptance | None) -> dict[str, float | None] | None:
    if acceptance is None:
        return None
    accepted = float(acceptance.accepted.sum())
    right = float(acceptance.right.sum())
    return {
        "coverage": accepted / float(acceptance.examples.sum()),
        "precision": right / accepted if accepted else None,
    }


def _reachable(curve: thresholds.RiskCoverage, precision: float) -> dict[str, float] | None:
    point = curve.at(precision)
    if point is None:
        return None
    return {"coverage": float(curve.coverage[point]), "threshold": float(curve.threshold[point])}
