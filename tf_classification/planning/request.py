"""What ``plan_project.py`` is asked for; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core.detection_choice import LOWER
from database_tools.core.errors import UserError
from tf_classification.models.table import NETWORKS

LEAST = 10
"""Pictures, and crops, without which a cost of each is a guess."""


@dataclass(frozen=True)
class PlanRequest:
    """See the flags of the command.

    Attributes:
        images_dir: folder of pictures.
        detector: finds the animals; or else
        detections_json: says where they are.
        labels: list of the project's pictures, as ``import_labels.py`` takes it; None for all of
            the folder.
        number: of pictures like these; None for those that there are.
        model: classifier that is run; None for the head that is learnt on the way.
        model_name: network that embeds; None for no embeddings.
        pretrained: file of its weights; None for ImageNet's.
        epochs: of a training of the whole network; None for a head alone.
        num_labels: that a classifier learns, where ``labels`` does not say.
        sample: pictures to look at.
        threshold: least confidence of a box, which counts.
        workers: to plan for, beside those of this machine; None for no others.
        seed: of the sample.

    Raises:
        UserError: for values that cannot be, or not together.
    """

    images_dir: Path
    detector: Path | None = None
    detections_json: Path | None = None
    labels: Path | None = None
    number: int | None = None
    model: Path | None = None
    model_name: str | None = None
    pretrained: Path | None = None
    epochs: int | None = None
    num_labels: int = 10
    sample: int = 200
    threshold: float = LOWER
    workers: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.images_dir.is_dir():
            raise UserError(f"{self.images_dir}: no such folder")
        if (self.detector is None) == (self.detections_json is None):
            raise UserError("give either --detector or --detections-json")
        least = {"number": 1, "epochs": 1, "workers": 1, "num_labels": 2, "sample": LEAST}
        for name, smallest in least.items():
            if (value := getattr(self, name)) is not None and value < smallest:
                flag = name.replace("_", "-")
                raise UserError(f"--{flag} must be at least {smallest}, got {value}")
        if not 0 < self.threshold <= 1:
            raise UserError(f"--threshold must be above 0 and at most 1, got {self.threshold}")
        if self.model_name is not None and self.model_name not in NETWORKS:
            rule = f"must be one of {', '.join(NETWORKS)}, got {self.model_name}"
            raise UserError(f"--model-name {rule}")
        if self.model_name is None and (self.pretrained or self.epochs):
            raise UserError("--pretrained and --epochs go with --model-name")
        for path in (self.detector, self.detections_json, self.labels, self.model, self.pretrained):
            if path is not None and not path.exists():
                raise UserError(f"{path}: no such file")
