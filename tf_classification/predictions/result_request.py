"""What ``fuse_sequences`` and ``roll_up`` have in common: tables in, a folder out.

OUT/detections.json           detections with classes, as merge writes them; each box has what the
                              tables say of it, too, as "own_classifications"
OUT/classifier_output.csv.gz  the same as a table, which merge, roll_up and others read
OUT/label_index.json          of that table
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from database_tools.core.errors import UserError
from tf_classification.predictions.merge_request import VERSIONS, MergeRequest

DETECTIONS, TABLE, LABELS = "detections.json", "classifier_output.csv.gz", "label_index.json"


@dataclass(frozen=True, kw_only=True)
class ResultRequest:
    """Flags of both commands, by the same names.

    Attributes:
        classification_csv: what classifiers said; together they have each crop once.
        output_dir: folder to write to.
        detection_json: detections; every image of it comes out.
        classifier_name: for ``info.classifier``.
        threshold: least confidence of a class.
        format_version: of the JSON.
        round: whether four digits are rounded, not floored.
        timelapse: whether what Timelapse refuses is an error.
    """

    classification_csv: Sequence[Path]
    output_dir: Path
    detection_json: Path
    classifier_name: str
    threshold: float = MergeRequest.threshold
    format_version: str = VERSIONS[0]
    round: bool = False
    timelapse: bool = False

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


class _Adds(Protocol):
    def __call__(self, *names: str, **options: Any) -> argparse.Action: ...


def add_flags(add: _Adds) -> None:
    """Declare the flags of both commands, with ``parser.add_argument``."""
    add("classification_csv", type=Path, nargs="+", help="CSV of a classifier's probabilities")
    add("-o", "--output_dir", type=Path, required=True, help="folder to write to")
    add("-j", "--detection-json", type=Path, required=True, help="detections, of any version")
    add("-n", "--classifier-name", required=True, help="name of the classifier")
    add(
        "-t",
        "--threshold",
        type=float,
        default=ResultRequest.threshold,
        help="least confidence of a class (default: %(default)s)",
    )
    add(
        "--format_version",
        choices=VERSIONS,
        default=ResultRequest.format_version,
        help="of the JSON (default: %(default)s)",
    )
    add("--round", action="store_true", help="round confidences to four digits; default: floor")
    add("--timelapse", action="store_true", help="what Timelapse would refuse is an error")
