"""What ``compare_models.py`` is asked for; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.formats.splits_json import SPLITS
from database_tools.remote.arguments import Folder, Output
from tf_classification.runs import config as params
from tf_classification.runs.config import PARAMS, TrainConfig


@dataclass(frozen=True)
class CompareRequest:
    """Flags of the command; raise UserError if there is no such model, or no dataset is named."""

    first: Path = argument("folder of outputs, CSV of probabilities, or model", metavar="A")
    second: Path = argument("another", metavar="B")
    output_dir: Output = flag("folder for the results", "-o", required=True)
    split: str = flag("whose crops are compared (%(default)s)", default="test", choices=SPLITS)
    dataset_dir: Folder | None = flag(
        "folder of classification_ds.csv and its like",
        group="the dataset (default: as A's params.json says)",
    )
    cropped_images_dir: Folder | None = flag("folder of the crops")
    tfrecords: Folder | None = flag("folder of TFRecords, instead of these two")

    @property
    def models(self) -> tuple[Path, Path]:
        """The two that are compared."""
        return self.first, self.second

    def __post_init__(self) -> None:
        for path in self.models:
            if not path.exists():
                raise UserError(f"{path}: no such folder of outputs, CSV or model")
        given = self.dataset_dir or self.cropped_images_dir or self.tfrecords
        if given and (self.dataset_dir is None) == (self.tfrecords is None):
            raise UserError("give --dataset-dir (with --cropped-images-dir) or --tfrecords")
        if not given and not (self.first / PARAMS).is_file():
            rule = "which says where the dataset is: give --dataset-dir or --tfrecords"
            raise UserError(f"{self.first}: no {PARAMS}, {rule}")

    def config(self) -> TrainConfig:
        """Return a configuration that names the dataset."""
        given = (self.dataset_dir, self.cropped_images_dir, self.tfrecords)
        dataset_dir, crops, records = (None if path is None else str(path) for path in given)
        if any(given):
            return TrainConfig(dataset_dir, crops, tfrecords=records)
        return replace(params.read(self.first / PARAMS), labels=None, min_crops=0)
