"""What ``evaluate_model.py`` is asked for, checked before TensorFlow is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.formats import splits_json
from database_tools.formats.splits_json import SPLITS
from database_tools.remote.arguments import FolderName, Output
from tf_classification.models.table import NETWORKS
from tf_classification.runs import config as params
from tf_classification.runs.config import STRATEGIES, TrainConfig

METHODS = ("temperature", "isotonic")
PRECISION = 0.95
# Flags that replace what params.json says, by their name there.
OVERRIDES = ("model_name", "batch_size", "num_workers", "dataset_dir", "cropped_images_dir")


@dataclass(frozen=True)
class EvaluationRequest:
    """Flags of the command; raise UserError for what cannot be asked together."""

    params_json: Path = argument("params.json of the training run")
    ckpt_path: Path = argument("ckpt_XX.weights.h5, a .keras model, or a model bundle")
    output_dir: Output = flag("folder for the results", "-o", required=True)
    splits: Sequence[str] = flag("splits to judge; none: only export", default=(), choices=SPLITS)
    target_mapping: Path | None = flag("JSON: label of the dataset to the classifier's labels")
    label_index: Path | None = flag("label index JSON of the classifier; a bundle has its own")
    model_name: str | None = flag(
        "network, such as efficientnet-b3",
        choices=NETWORKS,
        metavar="NAME",
        group="instead of what params.json says",
    )
    batch_size: int | None = flag("crops at a time over all devices")
    num_workers: int | None = flag("threads that decode")
    dataset_dir: FolderName | None = flag("folder of classification_ds.csv, splits.json ...")
    cropped_images_dir: FolderName | None = flag("folder of the crops")
    tfrecords: FolderName | None = flag("folder of TFRecords, instead of these two")
    calibrate: str | None = flag(
        "fit on val and keep in the bundle; without a value: temperature",
        nargs="?",
        const=METHODS[0],
        choices=METHODS,
        group="additions",
    )
    precision: float = flag(
        "of accepted predictions, for which thresholds are chosen on val (default: 0.95)",
        default=PRECISION,
    )
    strategy: str = flag("devices to run on", default="auto", choices=STRATEGIES)
    logical_cpus: int = flag(
        "make so many devices of the CPU, to try several without GPUs", default=0
    )

    def __post_init__(self) -> None:
        if self.target_mapping and self.calibrate:
            raise UserError(
                "--calibrate is of a classifier's own labels: it does not go with --target-mapping"
            )
        if self.target_mapping and not self.splits:
            raise UserError("--target-mapping wants --splits to judge")
        if self.tfrecords and (self.dataset_dir or self.cropped_images_dir):
            raise UserError("--tfrecords does not go with --dataset-dir or --cropped-images-dir")
        limits.check(self, "above 0 and at most 1", "--precision")

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
