"""What ``export_model.py`` is asked for, checked before TensorFlow is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.remote.arguments import Folder, Output
from tf_classification.export.table import FORMATS
from tf_classification.runs.config import BUNDLE


@dataclass(frozen=True)
class ExportRequest:
    """Flags of the command; raise UserError for values that cannot be, or not together."""

    source: Path = argument("model bundle, or params.json of a training run")
    ckpt_path: Path | None = argument(
        "with params.json: .weights.h5, .keras or bundle", nargs="?", kw_only=True
    )
    output_dir: Output = flag("folder for the files", "-o", required=True)
    formats: tuple[str, ...] = flag("also to these", "--format", default=(), choices=FORMATS)
    dataset_dir: Folder | None = flag(
        "of classification_ds.csv and its like", group="validation crops"
    )
    cropped_images_dir: Folder | None = flag("folder of the crops")
    tfrecords: Folder | None = flag("folder of TFRecords, instead of these two")
    calibration_crops: int = flag("for int8's ranges (%(default)s)", default=200)
    compared_crops: int = flag("for the table (%(default)s)", default=500)

    def __post_init__(self) -> None:
        for rule, kept in self._rules().items():
            if not kept:
                raise UserError(rule)
        limits.check(self, "at least 1", "--calibration-crops", "--compared-crops")
        for name in self.formats:
            FORMATS[name].check(name)

    def _rules(self) -> dict[str, bool]:
        of_run = self.ckpt_path is not None
        return {
            f"{self.source}: no such file or folder": self.source.exists(),
            f"{self.source} is a file: give its checkpoint too, or a model bundle": (
                of_run or self.source.is_dir()
            ),
            f"{self.source} is a folder: a checkpoint goes with a params.json": not (
                of_run and self.source.is_dir()
            ),
            f"{self.source} is a folder: give --format to convert a model bundle (that of a run is"
            f" its folder {BUNDLE})": bool(of_run or self.formats),
            "give --dataset-dir and --cropped-images-dir, or --tfrecords, not both": (
                (self.dataset_dir is None) == (self.cropped_images_dir is None)
                and not (self.dataset_dir and self.tfrecords)
            ),
        }
