"""What ``classify_pictures.py`` is asked for; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core.detection_choice import LOWER
from database_tools.core.errors import UserError


@dataclass(frozen=True)
class ClassifyRequest:
    """See the flags of the command.

    Attributes:
        pictures: folder of pictures.
        model: classifier, as for ``run_classifier.py``.
        output_dir: folder to write to.
        detector: finds the animals; or else
        detections_json: says where they are.
        classifier_categories: label index, for a ``.pt``.
        threshold: least confidence of a box, which counts.
        square_crops: as for ``run_classifier.py``, as is the next.
        padding: of crops.
        num_workers: threads; None for one for each processor.
        unknown: whether to tell animals that the model never learnt.
        sort_into: folder that gets the pictures by species; None for none.

    Raises:
        UserError: for values that cannot be, or not together.
    """

    pictures: Path
    model: Path
    output_dir: Path
    detector: Path | None = None
    detections_json: Path | None = None
    classifier_categories: Path | None = None
    threshold: float = LOWER
    square_crops: bool = False
    padding: float | None = None
    num_workers: int | None = None
    unknown: bool = False
    sort_into: Path | None = None

    def __post_init__(self) -> None:
        if not self.pictures.is_dir():
            raise UserError(f"{self.pictures}: no such folder")
        if (self.detector is None) == (self.detections_json is None):
            raise UserError("give either --detector or --detections-json")
        if not 0 < self.threshold <= 1:
            raise UserError(f"--threshold must be above 0 and at most 1, got {self.threshold}")
        for path in filter(None, (self.output_dir, self.sort_into)):
            if path.resolve() == self.pictures.resolve():
                raise UserError(f"{path}: is the folder of pictures; write to another one")
        for path in filter(None, (self.model, self.detector, self.detections_json)):
            if not path.exists():
                raise UserError(f"{path}: no such file")
