"""What a detector is judged by, and where to write what is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.evaluation import truths
from database_tools.evaluation.truths import Kinds, Truth


@dataclass(frozen=True)
class EvaluationRequest:
    """What to judge by what, and where to write; flags of the command, by the same names."""

    detections: Path
    labels: Path | None = None
    db: Path | None = None
    dataset: str | None = None
    location_key: str = "location"
    empty_labels: Sequence[str] = ("empty", "blank")
    person_labels: Sequence[str] = ("human", "person", "people", "vehicle")
    detection_category: Sequence[str] = ("animal",)
    keep: float = 0.95
    strip_prefix: str | None = None
    output_dir: Path = Path("detector_evaluation")
    isotonic_output: Path | None = None

    def __post_init__(self) -> None:
        if not 0 < self.keep < 1:
            raise UserError(f"--keep must be between 0 and 1, got {self.keep}")
        if (self.labels is None) == (self.db is None):
            raise UserError("give either LABELS.json or --db")
        if self.dataset is not None and self.db is None:
            raise UserError("--dataset is for --db")
        if self.output_dir.exists() and not self.output_dir.is_dir():
            raise UserError(f"{self.output_dir}: is a file, expected a folder to write to")

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
