"""What ``evaluate_model.py`` is asked for, checked before TensorFlow is loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from database_tools.core.errors import UserError
from database_tools.formats import splits_json
from tf_classification.runs import config as params
from tf_classification.runs.config import TrainConfig

METHODS = ("temperature", "isotonic")
PRECISION = 0.95
# Flags that replace what params.json says, by their name there.
OVERRIDES = ("model_name", "batch_size", "num_workers", "dataset_dir", "cropped_images_dir")


@dataclass(frozen=True)
class EvaluationRequest:
    """One call of the command.

    Attributes:
        params_json: of the training run.
        ckpt_path: what to judge: ``.weights.h5``, ``.keras`` or a model bundle.
        output_dir: folder for the files.
        splits: to judge; none of them only exports.
        target_mapping: JSON, dataset's label to labels of the classifier.
        label_index: of the classifier, where it is not the dataset's.
        model_name: instead of that of params.json, as are the next five.
        batch_size: crops at a time.
        num_workers: threads that decode.
        dataset_dir: folder of the dataset.
        cropped_images_dir: folder of its crops.
        tfrecords: folder of TFRecords, instead of these two.
        calibrate: fit this calibration on val.
        precision: wanted of accepted predictions.
        strategy: devices to run on.
        logical_cpus: replicas on one CPU.
    """

    params_json: Path
    ckpt_path: Path
    output_dir: Path
    splits: tuple[str, ...] = ()
    target_mapping: Path | None = None
    label_index: Path | None = None
    model_name: str | None = None
    batch_size: int | None = None
    num_workers: int | None = None
    dataset_dir: str | None = None
    cropped_images_dir: str | None = None
    tfrecords: str | None = None
    calibrate: str | None = None
    precision: float = PRECISION
    strategy: str = "auto"
    logical_cpus: int = 0

    def __post_init__(self) -> None:
        if self.target_mapping and self.calibrate:
            raise UserError(
                "--calibrate is of a classifier's own labels: it does not go with --target-mapping"
            )
        if self.target_mapping and not self.splits:
            raise UserError("--target-mapping wants --splits to judge")
        if self.tfrecords and (self.dataset_dir or self.cropped_images_dir):
            raise UserError("--tfrecords does not go with --dataset-dir or --cropped-images-dir")
        if not 0 < self.precision <= 1:
            raise UserError(f"--precision must be in (0, 1], got {self.precision}")

    @property
    def judges(self) -> bool:
        """Whether there is a split to judge."""
        return bool(self.splits or self.calibrate)

    def config(self) -> TrainConfig:
        """Read params.json and replace what flags replace."""
        given = {name: getattr(self, name) for name in OVERRIDES}
        changes = {name: value for name, value in given.items() if value is not None}
        if self.tfrecords:
            changes |= {"tfrecords": self.tfrecords, "dataset_dir": None}
            changes |= {"cropped_images_dir": None}
        elif self.dataset_dir or self.cropped_images_dir:
            changes["tfrecords"] = None
        if self.target_mapping:
            changes["labels"] = None  # the dataset's are those to judge on, not the network's
        return replace(params.read(self.params_json), **changes)

    def training_locations(self) -> frozenset[tuple[str, str]] | Literal["own", "unknown"]:
        """Return where the network was trained, as ``EvaluationOptions`` wants it."""
        if self.target_mapping:
            return "unknown"  # somebody else's classifier
        if not (self.dataset_dir or self.tfrecords):
            return "own"
        trained = params.read(self.params_json).dataset_dir
        splits = Path(trained) / "splits.json" if trained else None
        if splits is None or not splits.exists():
            return "unknown"
        return frozenset(splits_json.read(splits)["train"])
