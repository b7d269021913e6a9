"""What ``train_head.py`` is asked for, and where heads learn from; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.remote.arguments import Folder, Output, OutputFile
from tf_classification.embeddings.request import FOLDER, EmbedRequest
from tf_classification.runs.config import TrainConfig

MOST = 200_000
"""Views of crops that a head learns from; their features are a gigabyte of memory."""


@dataclass(frozen=True, kw_only=True)
class LabelledCrops:
    """Flags that name crops with labels, and their embeddings."""

    dataset_dir: Folder | None = argument(
        "folder with classification_ds.csv, label_index.json, splits.json; or, alone, the "
        "COCO-style folder of make_classification_dataset.py",
        nargs="?",
    )
    cropped_images_dir: Folder | None = argument("folder of the crops", nargs="?")
    tfrecords: Folder | None = flag("records, instead of the two folders", metavar="DIR")
    labels: Path | None = flag("an expert's answers, instead of a dataset", metavar="CSV")
    embeddings: Folder | None = flag(
        "of embed_crops.py (default: embeddings in the dataset's folder)", metavar="DIR"
    )
    seed: int = flag("of every draw (default: %(default)s)", default=0)

    def __post_init__(self) -> None:
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

    def config(self, **more: Any) -> TrainConfig:
        """Return the run as others know it, as far as the request tells."""
        place = self.dataset_dir or self.labels
        crops = self.cropped_images_dir
        return TrainConfig(
            dataset_dir=None if place is None else str(place),
            cropped_images_dir=None if crops is None else str(crops),
            tfrecords=None if self.tfrecords is None else str(self.tfrecords),
            label_weighted=True,
            seed=self.seed,
            finetune=-1,
            epochs=1,
            batch_size=EmbedRequest.batch_size,
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class HeadRequest(LabelledCrops):
    """Flags of the command; raise UserError for values that cannot be, or not together."""

    logdir: Output = flag(
        "the run makes a folder named by its time in here (default: the current folder)",
        default=Path(),
    )
    weight_by_detection_conf: bool | str = flag(
        "weigh crops by the detector's confidence, calibrated by the file if there is one",
        default=False,
        nargs="?",
        const=True,
        metavar="NPZ",
    )
    max_per_label: int | None = flag("most crops of a label to learn from", metavar="N")
    min_crops: int = flag("leave out labels with fewer crops to learn from", default=0, metavar="N")
    val_fraction: float = flag(
        "with the output of make_classification_dataset.py: part of the training crops, by "
        "location, to validate on (default: %(default)s)",
        default=TrainConfig.val_fraction,
    )
    false_alarms: float = flag(
        "share of known animals that may be taken for unknown ones (default: %(default)s)",
        "--false_alarms",
        default=0.05,
        metavar="SHARE",
    )

    def __post_init__(self) -> None:
        limits.check(self, "at least 1", "--max-per-label")
        limits.check(self, "above 0 and below 1", "--false_alarms")
        super().__post_init__()

    def config(self, **more: Any) -> TrainConfig:
        """Return it with what these flags say."""
        names = ("weight_by_detection_conf", "min_crops", "val_fraction")
        said = {name: getattr(self, name) for name in names}
        return super().config(logdir=str(self.logdir), **said, **more)


@dataclass(frozen=True)
class SuggestRequest:
    """Flags of ``suggest_labels.py``."""

    embeddings: Folder = argument("folder of embeddings, by embed_crops.py")
    output: OutputFile = argument("CSV to write, with labels to fill in")
    labels: Path | None = flag("the answers so far", metavar="CSV")
    number: int = flag("crops to suggest (default: %(default)s)", "-n", default=20)
    seed: int = flag("of every draw (default: %(default)s)", default=0)

    def __post_init__(self) -> None:
        limits.check(self, "at least 1", "--number")
        if self.output.suffix != ".csv":
            raise UserError(f"{self.output}: the file to write is called .csv; a page is beside it")
