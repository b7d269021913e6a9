"""What ``find_mislabeled``, ``label_crops`` and ``review_mislabeled`` are asked for; light."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.labels_db.query_config import DATABASE, QueryConfig
from database_tools.remote.arguments import Folder, Output, OutputFile
from tf_classification.heads.request import LabelledCrops


@dataclass(frozen=True, kw_only=True)
class FindRequest(LabelledCrops):
    """Flags of ``find_mislabeled.py``."""

    output: OutputFile = flag(
        "CSV to write; a .txt and a .html lie beside it (default: %(default)s)",
        "-o",
        default=Path("candidates.csv"),
        metavar="CSV",
    )
    db: Path | None = flag("label database that knows bursts")
    input_json: Path | None = flag(
        "COCO Camera Traps that knows them, instead of --db", "--input_json"
    )
    outputs: Sequence[Path] = flag(
        "outputs_SPLIT.csv.gz of trained models, instead of heads: of crops that they have not "
        "learnt from",
        default=(),
        metavar="CSV",
    )
    least: float = flag(
        "how sure it must be that a label is wrong, 0 for all (default: %(default)s)", default=0.5
    )
    workers: int = flag("threads (default: cores)", default=os.cpu_count() or 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output.suffix != ".csv":
            raise UserError(f"{self.output}: the file to write is called .csv; a page is beside it")
        if self.db is not None and self.input_json is not None:
            raise UserError("give --db or --input_json, not both")
        limits.check(self, "in [0, 1]", "--least")
        limits.check(self, "at least 1", "--workers")


@dataclass(frozen=True)
class LabelRequest:
    """Flags of ``label_crops.py``."""

    to_label: Path = argument("CSV of crops, by suggest_labels.py")
    output_dir: Output = argument("folder to write the page to")
    embeddings: Folder = flag("folder of embeddings of the crops", required=True)
    label_names: Sequence[str] = flag(
        "labels to offer, the first nine by a digit each; others can be typed",
        default=(),
        metavar="LABEL",
    )
    show_people: bool = flag("show what is perhaps people", "--show_people", default=False)


@dataclass(frozen=True)
class ReviewRequest:
    """Flags of ``review_mislabeled.py``; raise UserError for what cannot be asked together."""

    dataset_dir: Folder = argument("folder of classification_ds.csv")
    cropped_images_dir: Folder = argument("folder of its crops")
    output_dir: Output = argument("folder to write the pages to")
    candidates: Sequence[Path] = argument(
        "candidates.csv of find_mislabeled.py, or lists of identify_mislabeled_candidates.py"
    )
    number: int | None = flag("at most so many pictures, the likeliest (default: all)", "-n")
    workers: int = flag("threads (default: cores)", default=os.cpu_count() or 1)
    show_people: bool = flag(
        "show what is perhaps people, and cover none", "--show_people", default=False
    )
    images_dir: Folder | None = flag(
        "folder of whole pictures, <dataset>/<file>",
        "-i",
        group="to show whole pictures, people covered",
    )
    detections_json: Path | None = flag("detections of them, by these names; or", "-j")
    detector_output_cache_dir: Path | None = flag("folder of v<version>/<dataset>.json", "-c")
    detector_version: str | None = flag("of the detector, e.g. 4.1", "-v")
    queried_images_json: Path | None = flag("boxes that people drew, if there are any", "-q")
    label_spec: Path | None = flag(
        "JSON of the label specification", group="to offer every class, and show bursts"
    )
    taxonomy_csv: Path | None = flag("taxonomy of it")
    db: Path | None = flag(f"label database (default: ${DATABASE}, or MegaDB)")

    def __post_init__(self) -> None:
        if (self.label_spec is None) != (self.taxonomy_csv is None):
            raise UserError("--label-spec and --taxonomy-csv go together")
        if self.db is not None and self.label_spec is None:
            raise UserError("--db needs --label-spec and --taxonomy-csv")
        if not self.cropped_images_dir.is_dir():
            raise UserError(f"{self.cropped_images_dir}: no such folder")
        limits.check(self, "at least 1", "--number", "--workers")
        self._check_boxes()

    def _check_boxes(self) -> None:
        found, cache = self.detections_json, self.detector_output_cache_dir
        if self.images_dir is None:
            if any((found, cache, self.detector_version, self.queried_images_json)):
                raise UserError("boxes are drawn in whole pictures: say --images-dir too")
        elif (found is None) == (cache is None):
            rule = "give --detections-json or --detector-output-cache-dir: people are covered by it"
            raise UserError(f"--images-dir: {rule}")
        elif cache is not None and self.detector_version is None:
            raise UserError("--detector-output-cache-dir needs --detector-version")

    @property
    def query(self) -> QueryConfig | None:
        """What all classes and the bursts are known by; None if only the dataset knows classes."""
        if self.label_spec is None or self.taxonomy_csv is None:
            return None
        return QueryConfig(self.label_spec, self.taxonomy_csv, db=self.db)
