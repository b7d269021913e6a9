"""What ``merge_classification_detection_output.py`` is asked to do, and what makes no sense.

Light to import, as the command takes its defaults from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.remote.arguments import Folder, OutputFile

VERSIONS = ("1.6", "1.0")
PLACES = FIRST, LAST = ("first", "last")


@dataclass(frozen=True)
class MergeRequest:
    """Flags of the command."""

    classification_csv: Path = argument("CSV of probabilities, true labels, or both")
    label_names_json: Path = argument("label index JSON")
    output_json: OutputFile = flag("JSON to write", "-o", required=True)
    classifier_name: str = flag("name of the classifier", "-n", required=True)
    threshold: float = flag("least confidence of a class (default: %(default)s)", "-t", default=0.1)
    datasets: Sequence[str] | None = flag("only crops of these datasets", "-d")
    label: str | None = flag("put the true label among the classes, with 1.0", choices=PLACES)
    relative_conf: bool = flag("by how much likelier than the true label", default=False)
    detection_json: Path | None = flag(
        "detections, of any version", "-j", group="boxes of one file: every image of it comes out"
    )
    queried_images_json: Path | None = flag(
        "JSON of the queried images",
        "-q",
        group="or of queried images: those that have a crop come out",
    )
    detector_output_cache_dir: Path | None = flag(
        "folder of detections, v<version>/<dataset>.json", "-c"
    )
    detector_version: str | None = flag("of the detector, e.g. 4.1 (default: as crops say)", "-v")
    samples_per_label: int | None = flag("at most so many crops of each true label", "-s")
    seed: int = flag("of --samples-per-label", default=123)
    format_version: str = flag(
        "of the output (default: %(default)s)",
        "--format_version",
        default=VERSIONS[0],
        choices=VERSIONS,
        group="additions",
    )
    cropped_images_dir: Folder | None = flag(
        "folder of the crops, which says what detector they are of (default: their names)"
    )
    round: bool = flag("round confidences to four digits; default: floor", default=False)
    timelapse: bool = flag("what Timelapse would refuse is an error", default=False)

    def __post_init__(self) -> None:
        limits.check(self, "in [0, 1]", "--threshold")
        limits.check(self, "at least 1", "--samples-per-label")
        if (self.detection_json is None) == (self.queried_images_json is None):
            raise UserError("give either --detection-json or --queried-images-json")
        if self.detection_json is None and self.detector_output_cache_dir is None:
            raise UserError("--queried-images-json needs --detector-output-cache-dir")
        if self.detection_json is not None:
            for name in ("detector_output_cache_dir", "detector_version"):
                if getattr(self, name) is not None:
                    raise UserError(f"--{name.replace('_', '-')} is not for --detection-json")
        if self.cropped_images_dir is not None and not self.cropped_images_dir.is_dir():
            raise UserError(f"{self.cropped_images_dir}: no such folder")
        inputs = (self.detection_json, self.queried_images_json, self.label_names_json)
        if self.output_json.resolve() in [path.resolve() for path in inputs if path is not None]:
            raise UserError(f"--output-json {self.output_json}: is one of the inputs")

    @property
    def needs_labels(self) -> bool:
        """Whether every crop must have a true label."""
        return self.label is not None or self.relative_conf or self.samples_per_label is not None
