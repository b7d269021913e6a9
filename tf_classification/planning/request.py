"""What ``plan_project.py`` is asked for; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.detection_choice import LOWER
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.remote.arguments import Folder
from tf_classification.models.table import NETWORKS

LEAST = 10
"""Pictures, and crops, without which a cost of each is a guess."""


@dataclass(frozen=True)
class PlanRequest:
    """Flags of the command; raises UserError for values that cannot be, or not together."""

    images_dir: Folder = argument("folder of pictures, looked through with its subfolders")
    detector: Path | None = flag("frozen graph, SavedModel folder or ONNX file")
    detections_json: Path | None = flag("batch output of a detector, instead")
    labels: Path | None = flag(
        "the project's pictures and labels, of any kind that import_labels.py reads",
        metavar="SOURCE",
    )
    number: int | None = flag(
        "pictures of the project, which are like these (default: as many as there are)",
        metavar="N",
    )
    model: Path | None = flag("bundle or .tflite to classify with (default: the new head)")
    model_name: str | None = flag(
        f"network to embed with, to learn: {', '.join(NETWORKS)}", "-m", metavar="NAME"
    )
    pretrained: Path | None = flag(
        "its weights, .keras or .weights.h5 (default: ImageNet's)", metavar="PATH"
    )
    epochs: int | None = flag(
        "plan a training of the whole network, too, of so many epochs", metavar="N"
    )
    num_labels: int = flag(
        "that a classifier learns, where --labels does not say (default: %(default)s)",
        "--num_labels",
        default=10,
        metavar="N",
    )
    sample: int = flag("pictures to try (default: %(default)s)", default=200, metavar="N")
    threshold: float = flag("least confidence of a box (%(default)s)", default=LOWER)
    workers: int | None = flag("plan for so many workers of one core each, too", metavar="N")
    seed: int = flag("of the sample (default: %(default)s)", default=0)

    def __post_init__(self) -> None:
        if not self.images_dir.is_dir():
            raise UserError(f"{self.images_dir}: no such folder")
        if (self.detector is None) == (self.detections_json is None):
            raise UserError("give either --detector or --detections-json")
        limits.check(self, "at least 1", "--number", "--epochs", "--workers")
        limits.check(self, "at least 2", "--num-labels")
        limits.check(self, f"at least {LEAST}", "--sample")
        limits.check(self, "above 0 and at most 1", "--threshold")
        if self.model_name is not None and self.model_name not in NETWORKS:
            rule = f"must be one of {', '.join(NETWORKS)}, got {self.model_name}"
            raise UserError(f"--model-name {rule}")
        if self.model_name is None and (self.pretrained or self.epochs):
            raise UserError("--pretrained and --epochs go with --model-name")
        for path in (self.detector, self.detections_json, self.labels, self.model, self.pretrained):
            if path is not None and not path.exists():
                raise UserError(f"{path}: no such file")
