"""What ``train_head.py`` is asked for, and where heads learn from; needs no TensorFlow."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from tf_classification.embeddings.request import FOLDER
from tf_classification.runs.config import TrainConfig

MOST = 200_000
"""Views of crops that a head learns from; their features are a gigabyte of memory."""


@dataclass(frozen=True)
class HeadRequest:
    """See the flags of the command.

    Attributes:
        dataset_dir: folder of the dataset, as ``train_classifier.py`` takes it.
        cropped_images_dir: folder of its crops.
        tfrecords: folder of records, instead of these two.
        labels: CSV of an expert's answers, instead of a dataset.
        embeddings: of the crops; None for those in the dataset's folder.
        logdir: folder in which the run makes its own.
        weight_by_detection_conf: True, or an .npz that calibrates the confidences.
        max_per_label: most crops of a label to learn from.
        min_crops: labels with fewer crops to learn from are left out.
        val_fraction: part of the locations to validate on, where the dataset has no such split.
        false_alarms: share of known animals that may be taken for unknown ones.
        seed: of every draw.

    Raises:
        UserError: for values that cannot be, or not together.
    """

    dataset_dir: Path | None = None
    cropped_images_dir: Path | None = None
    tfrecords: Path | None = None
    labels: Path | None = None
    embeddings: Path | None = None
    logdir: Path = Path()
    weight_by_detection_conf: bool | str = False
    max_per_label: int | None = None
    min_crops: int = 0
    val_fraction: float = TrainConfig.val_fraction
    false_alarms: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        if self.max_per_label is not None and self.max_per_label < 1:
            raise UserError(f"--max-per-label must be at least 1, got {self.max_per_label}")
        if not 0 < self.false_alarms < 1:
            raise UserError(f"--false_alarms must be above 0 and below 1, got {self.false_alarms}")
        given = [self.dataset_dir, self.tfrecords, self.labels]
        if sum(one is not None for one in given) != 1:
            raise UserError("give one of DATASET_DIR, --tfrecords DIR and --labels CSV")
        if self.labels is not None and self.embeddings is None:
            raise UserError("--labels needs --embeddings, which its crops are in")
        if not self.folder.is_dir():
            raise UserError(f"{self.folder}: no such folder of embeddings; see embed_crops.py")

    @property
    def folder(self) -> Path:
        """The folder of the embeddings."""
        place = self.dataset_dir or self.tfrecords
        if self.embeddings is not None or place is None:
            return self.embeddings or Path()
        return place / FOLDER

    def config(self) -> TrainConfig:
        """Return the run as others know it, as far as the request tells."""
        place = self.dataset_dir or (self.labels and self.labels.parent)
        crops = self.cropped_images_dir
        return TrainConfig(
            dataset_dir=None if place is None else str(place),
            cropped_images_dir=None if crops is None else str(crops),
            tfrecords=None if self.tfrecords is None else str(self.tfrecords),
            label_weighted=True,
            weight_by_detection_conf=self.weight_by_detection_conf,
            min_crops=self.min_crops,
            val_fraction=self.val_fraction,
            seed=self.seed,
            logdir=str(self.logdir),
            finetune=-1,
            epochs=1,
        )


def add_places(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that name crops with labels, and their embeddings."""
    add = parser.add_argument
    text = "folder with classification_ds.csv, label_index.json, splits.json; or, alone, the"
    text += " COCO-style folder of make_classification_dataset.py"
    add("dataset_dir", nargs="?", type=Path, help=text)
    add("cropped_images_dir", nargs="?", type=Path, help="folder of the crops")
    add("--tfrecords", type=Path, metavar="DIR", help="records, instead of the two folders")
    add("--labels", type=Path, metavar="CSV", help="an expert's answers, instead of a dataset")
    text = "of embed_crops.py (default: embeddings in the dataset's folder)"
    add("--embeddings", type=Path, metavar="DIR", help=text)
