"""What ``merge_classification_detection_output.py`` is asked to do, and what makes no sense.

Light to import, as the command takes its defaults from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError

VERSIONS = ("1.6", "1.0")
PLACES = FIRST, LAST = ("first", "last")


@dataclass(frozen=True)
class MergeRequest:
    """Flags of the command, by the same names.

    Attributes:
        classification_csv: the classifier's probabilities, true labels, or both.
        label_names_json: label index; a class's number is its place in it.
        output_json: to write.
        classifier_name: for ``info.classifier``.
        threshold: least confidence of a class.
        datasets: only crops of these; None for all.
        detection_json: detections; every image of it comes out.
        queried_images_json: or the queried pictures, whose drawn boxes count; every image that
            has a crop comes out.
        detector_output_cache_dir: detections of the others, ``v<version>/<dataset>.json``.
        detector_version: of these; None as the crops say.
        cropped_images_dir: folder of the crops, whose ``crops_info.json`` says their detector's
            version; None takes it from their names alone.
        samples_per_label: at most so many crops of each true label; None for all.
        seed: of that choice.
        label: where the true label is put among the classes; None for nowhere.
        relative_conf: margins above the true label instead of probabilities.
        format_version: of the output.
        round: whether four digits are rounded, not floored.
        timelapse: whether what Timelapse refuses is an error.
    """

    classification_csv: Path
    label_names_json: Path
    output_json: Path
    classifier_name: str
    threshold: float = 0.1
    datasets: Sequence[str] | None = None
    detection_json: Path | None = None
    queried_images_json: Path | None = None
    detector_output_cache_dir: Path | None = None
    detector_version: str | None = None
    cropped_images_dir: Path | None = None
    samples_per_label: int | None = None
    seed: int = 123
    label: str | None = None
    relative_conf: bool = False
    format_version: str = VERSIONS[0]
    round: bool = False
    timelapse: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise UserError(f"--threshold must be in [0, 1], got {self.threshold}")
        if self.samples_per_label is not None and self.samples_per_label < 1:
            raise UserError(f"--samples-per-label must be at least 1, got {self.samples_per_label}")
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
