"""What ``compare_models.py`` is asked for; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from database_tools.core.errors import UserError
from tf_classification.runs import config as params
from tf_classification.runs.config import PARAMS, TrainConfig


@dataclass(frozen=True)
class CompareRequest:
    """See the flags of the command.

    Attributes:
        models: two of them.
        split: whose crops are compared.
        dataset_dir: folder of the dataset; None for that of the first model's params.json.
        cropped_images_dir: folder of its crops; None likewise.
        tfrecords: folder of TFRecords, instead of these two.

    Raises:
        UserError: if there is no such model, or no dataset is named.
    """

    models: tuple[Path, Path]
    split: str
    dataset_dir: Path | None = None
    cropped_images_dir: Path | None = None
    tfrecords: Path | None = None

    def __post_init__(self) -> None:
        for path in self.models:
            if not path.exists():
                raise UserError(f"{path}: no such folder of outputs, CSV or model")
        given = self.dataset_dir or self.cropped_images_dir or self.tfrecords
        if given and (self.dataset_dir is None) == (self.tfrecords is None):
            raise UserError("give --dataset-dir (with --cropped-images-dir) or --tfrecords")
        if not given and not (self.models[0] / PARAMS).is_file():
            rule = "which says where the dataset is: give --dataset-dir or --tfrecords"
            raise UserError(f"{self.models[0]}: no {PARAMS}, {rule}")

    def config(self) -> TrainConfig:
        """Return a configuration that names the dataset."""
        given = (self.dataset_dir, self.cropped_images_dir, self.tfrecords)
        dataset_dir, crops, records = (None if path is None else str(path) for path in given)
        if any(given):
            return TrainConfig(dataset_dir, crops, tfrecords=records)
        return replace(params.read(self.models[0] / PARAMS), labels=None, min_crops=0)
