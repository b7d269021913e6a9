"""What ``classify_pictures.py`` is asked for; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.detection_choice import LOWER
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.remote.arguments import Folder, Output


@dataclass(frozen=True)
class ClassifyRequest:
    """Flags of the command; raise UserError for values that cannot be, or not together."""

    pictures: Folder = argument("folder of pictures, looked through with its subfolders")
    model: Path = argument("model bundle, .tflite with its model.json, or PyTorch .pt")
    output_dir: Output = argument("folder to write to")
    detector: Path | None = flag("frozen graph, SavedModel folder or ONNX file")
    detections_json: Path | None = flag("batch output of a detector, instead")
    classifier_categories: Path | None = flag("label index JSON, which a .pt needs", "-c")
    threshold: float = flag("least confidence of a box (%(default)s)", default=LOWER)
    square_crops: bool = flag("cut the smallest square around each box", default=False)
    padding: float | None = flag("cut a square around each box, larger by this factor")
    unknown: bool = flag("say of animals that the model never learnt: unknown: look", default=False)
    num_workers: int | None = flag("threads (default: one for each processor)")
    sort_into: Path | None = flag(
        "link the pictures into folders by species", "--sort_into", metavar="DIR"
    )

    def __post_init__(self) -> None:
        if not self.pictures.is_dir():
            raise UserError(f"{self.pictures}: no such folder")
        if (self.detector is None) == (self.detections_json is None):
            raise UserError("give either --detector or --detections-json")
        limits.check(self, "above 0 and at most 1", "--threshold")
        for path in filter(None, (self.output_dir, self.sort_into)):
            if path.resolve() == self.pictures.resolve():
                raise UserError(f"{path}: is the folder of pictures; write to another one")
        if self.sort_into and self.sort_into.resolve().is_relative_to(self.pictures.resolve()):
            raise UserError(f"{self.sort_into}: is in the folder of pictures, and would be sorted")
        for path in filter(None, (self.model, self.detector, self.detections_json)):
            if not path.exists():
                raise UserError(f"{path}: no such file")
