"""What ``fuse_sequences`` and ``roll_up`` have in common: tables in, a folder out.

OUT/detections.json           detections with classes, as merge writes them; each box has what the
                              tables say of it, too, as "own_classifications"
OUT/classifier_output.csv.gz  the same as a table, which merge, roll_up and others read
OUT/label_index.json          of that table
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.remote.arguments import Output
from tf_classification.predictions.merge_request import VERSIONS, MergeRequest

DETECTIONS, TABLE, LABELS = "detections.json", "classifier_output.csv.gz", "label_index.json"


@dataclass(frozen=True, kw_only=True)
class ResultRequest:
    """Flags of both commands."""

    classification_csv: Sequence[Path] = argument("CSV of a classifier's probabilities")
    output_dir: Output = flag("folder to write to", "-o", "--output_dir", required=True)
    detection_json: Path = flag("detections, of any version", "-j", required=True)
    classifier_name: str = flag("name of the classifier", "-n", required=True)
    threshold: float = flag(
        "least confidence of a class (default: %(default)s)", "-t", default=MergeRequest.threshold
    )
    format_version: str = flag(
        "of the JSON (default: %(default)s)",
        "--format_version",
        default=VERSIONS[0],
        choices=VERSIONS,
    )
    round: bool = flag("round confidences to four digits; default: floor", default=False)
    timelapse: bool = flag("what Timelapse would refuse is an error", default=False)

    def __post_init__(self) -> None:
        outputs = [(self.output_dir / name).resolve() for name in (DETECTIONS, TABLE, LABELS)]
        for path in (*self.classification_csv, self.detection_json):
            if not path.is_file():
                raise UserError(f"{path}: no such file")
            if path.resolve() in outputs:
                raise UserError(f"{path}: lies where it would be overwritten; write elsewhere")
        self.merge_request()

    def merge_request(self) -> MergeRequest:
        """Return how the table that was written is merged with the detections."""
        return MergeRequest(
            self.output_dir / TABLE,
            self.output_dir / LABELS,
            self.output_dir / DETECTIONS,
            self.classifier_name,
            self.threshold,
            detection_json=self.detection_json,
            format_version=self.format_version,
            round=self.round,
            timelapse=self.timelapse,
        )
