"""What ``embed_crops.py`` is asked for; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.formats import classification_csv
from database_tools.remote.arguments import Folder, Output
from tf_classification.models.description import VIEWS
from tf_classification.models.table import NETWORKS
from tf_classification.predictor.crops_request import CropsRequest

FOLDER = "embeddings"


@dataclass(frozen=True, kw_only=True)
class EmbedRequest(CropsRequest):
    """Flags of the command; raise UserError for values that cannot be, or not together."""

    crops_dir: Folder | None = argument("folder of crops; not with --images-dir", nargs="?")
    model: Path | None = flag("model bundle or .tflite that embeds", metavar="BUNDLE")
    model_name: str | None = flag(
        f"or a network with --pretrained: {', '.join(NETWORKS)}", "-m", metavar="NAME"
    )
    pretrained: bool | str = flag(
        "ImageNet's weights, or those of a .keras or .weights.h5 file",
        default=False,
        nargs="?",
        const=True,
        metavar="PATH",
    )
    dataset_dir: Path | None = flag(
        "folder of the classification_ds.csv that lists the crops", metavar="DIR"
    )
    tfrecords: Folder | None = flag(
        "records of make_classification_dataset.py, instead of a folder of crops", metavar="DIR"
    )
    output_dir: Output | None = flag(
        "folder for embeddings (default: embeddings in the dataset's folder)",
        "--output_dir",
        metavar="DIR",
    )
    views: int = flag("2: each crop mirrored, too (default: 1)", default=1, choices=VIEWS)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.model is None) == (self.model_name is None):
            raise UserError("give either --model BUNDLE or --model-name NAME --pretrained")
        if self.model_name is not None and self.model_name not in NETWORKS:
            rule = f"must be one of {', '.join(NETWORKS)}, got {self.model_name}"
            raise UserError(f"--model-name {rule}")
        if bool(self.pretrained) == (self.model_name is None):
            rule = "goes with --model-name: random weights tell nothing of a picture"
            raise UserError(f"--pretrained {rule}")
        if isinstance(self.pretrained, str) and not Path(self.pretrained).is_file():
            raise UserError(f"--pretrained {self.pretrained}: no such file; a bundle is a --model")
        if self.views not in VIEWS:
            raise UserError(f"--views must be 1 or 2, got {self.views}")
        if self.table is not None and not self.table.is_file():
            raise UserError(f"{self.table}: no such file")
        if self.output_dir is None and self.dataset_dir is None and self.tfrecords is None:
            raise UserError("--output_dir says where to; only a dataset has a place for embeddings")

    def _check_places(self) -> None:
        if self.tfrecords is None:
            super()._check_places()
            if self.dataset_dir and (self.crops_dir is None or self.detections_json is not None):
                raise UserError("--dataset-dir goes with a folder of crops, which its CSV lists")
            return
        others = (self.crops_dir, self.images_dir, self.detections_json, self.dataset_dir)
        if any(others):
            raise UserError("--tfrecords does not go with folders of crops or pictures")

    @property
    def root(self) -> Path:
        """The folder of crops, pictures or records."""
        return super().root if self.tfrecords is None else self.tfrecords

    @property
    def table(self) -> Path | None:
        """The CSV that lists the crops."""
        return None if self.dataset_dir is None else self.dataset_dir / classification_csv.NAME

    @property
    def output(self) -> Path:
        """Folder that holds the embeddings of each network."""
        place = self.dataset_dir or self.tfrecords
        if self.output_dir is not None or place is None:
            return self.output_dir or Path()
        return place / FOLDER
