"""What ``run_classifier.py`` is asked for; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tf_classification.predictor.crops_request import CropsRequest


@dataclass(frozen=True)
class RunRequest(CropsRequest):
    """See the flags of the command.

    Attributes:
        model: bundle, ``.tflite`` or ``.pt``.
        output: CSV, compressed if its name ends in ``.gz``.
        classifier_categories: label index, which a ``.pt`` needs; others' must be the model's own.
        image_size: the model's, or an error; None takes it unseen.
        unknown: whether to tell animals that the model never learnt.

    Raises:
        UserError: for values that cannot be, or not together.
    """

    model: Path
    output: Path
    classifier_categories: Path | None = None
    image_size: int | None = None
    unknown: bool = False

    @property
    def unknown_table(self) -> Path:
        """The table of these, beside the output."""
        name = self.output.name.removesuffix(".gz").removesuffix(".csv")
        return self.output.with_name(f"{name}_unknown.csv")
