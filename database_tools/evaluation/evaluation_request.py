"""What a detector is judged by, and where to write what is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.evaluation import truths
from database_tools.evaluation.truths import Kinds, Truth
from database_tools.remote.arguments import Output


@dataclass(frozen=True)
class EvaluationRequest:
    """What to judge by what, and where to write: the flags of the command."""

    detections: Path = argument("detection file: MegaDetector's JSON, or our pickle")
    labels: Path | None = argument("labels in COCO Camera Traps format", nargs="?")
    db: Path | None = flag("label database instead; its names are DATASET/FILE")
    dataset: str | None = flag("one dataset of the database; its names are FILE alone")
    location_key: str = flag(
        "key of an image that says where the camera stood (default: %(default)s)",
        default="location",
    )
    empty_labels: Sequence[str] = flag(
        "labels of pictures of nothing (default: empty blank)",
        default=("empty", "blank"),
        metavar="LABEL",
    )
    person_labels: Sequence[str] = flag(
        "labels of pictures of people, who count as people (default: human person people vehicle)",
        default=("human", "person", "people", "vehicle"),
        metavar="LABEL",
    )
    detection_category: Sequence[str] = flag(
        "names or ids of detection categories that are animals, or any (default: animal)",
        default=("animal",),
    )
    keep: float = flag(
        "share of animal pictures that the threshold shall keep (default: %(default)s)",
        default=0.95,
        metavar="SHARE",
    )
    strip_prefix: str | None = flag(
        "folder that names in the detection file begin with, if another machine wrote it",
        metavar="FOLDER",
    )
    output_dir: Output = flag(
        "folder for what is found (default: %(default)s)", "-o", default=Path("detector_evaluation")
    )
    isotonic_output: Path | None = flag(
        "write how often boxes of a confidence are right, for train_classifier.py", metavar="NPZ"
    )

    def __post_init__(self) -> None:
        limits.check(self, "above 0 and below 1", "--keep")
        if (self.labels is None) == (self.db is None):
            raise UserError("give either LABELS.json or --db")
        if self.dataset is not None and self.db is None:
            raise UserError("--dataset is for --db")

    @property
    def kinds(self) -> Kinds:
        """Which labels are no animals."""
        return Kinds.of(self.empty_labels, self.person_labels)

    def truths(self) -> list[Truth]:
        """Read what people say; raise UserError or FormatError where that cannot be."""
        if self.labels is not None:
            return truths.read_json(self.labels, self.location_key)
        assert self.db is not None
        return truths.read_database(self.db, self.dataset)
