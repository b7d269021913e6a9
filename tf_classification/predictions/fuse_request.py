"""What ``fuse_sequences.py`` is asked to do; light to import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core import fusion, limits
from database_tools.core.errors import UserError
from database_tools.core.flags import flag
from database_tools.formats import events_csv
from database_tools.remote.arguments import Folder
from tf_classification.predictions.result_request import ResultRequest


@dataclass(frozen=True, kw_only=True)
class FuseRequest(ResultRequest):
    """Flags of the command."""

    input_json: Path | None = flag(
        "COCO Camera Traps with seq_id, or location and datetime",
        "--input_json",
        group="events: give one of these",
    )
    db: Path | None = flag("label database that import_labels made")
    media_csv: Path | None = flag(
        "media.csv of Camtrap DP; or path, location, datetime", "--media_csv"
    )
    exif: Folder | None = flag("folder of the pictures; a folder is a place", metavar="FOLDER")
    event_gap: float = flag(
        "seconds without a picture after which a new event begins (default: %(default)s)",
        "--event_gap",
        default=60.0,
        group="how",
    )
    rule: str = flag(
        "mean of logarithms, mean, or product of probabilities, weighted by the detector's "
        "confidence (default: %(default)s)",
        default=fusion.MEAN_LOG,
        choices=fusion.RULES,
    )
    same: float = flag(
        "how often two boxes of an event are of one label (default: %(default)s)", default=0.75
    )
    temperature: float = flag(
        "above 1 makes crops less sure; run_classifier's are calibrated (default: 1)", default=1.0
    )
    calibrate_on: Path | None = flag(
        "find it: a table with true labels", "--calibrate_on", metavar="CSV"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        given = [flag for flag, path in self._sources() if path is not None]
        if len(given) != 1:
            flags = ", ".join(flag for flag, _ in self._sources())
            said = f"{' and '.join(given)} are too many" if given else "none is given"
            raise UserError(f"events come from one of {flags}; {said}")
        if self.exif is not None and not self.exif.is_dir():
            raise UserError(f"--exif {self.exif}: no such folder")
        for path in (self.input_json, self.db, self.media_csv):
            if path is not None and path.resolve() == self.events_path.resolve():
                raise UserError(f"{path}: lies where it would be overwritten; write elsewhere")
        if not self.event_gap > 0:
            raise UserError(f"--event_gap must be above 0 seconds, got {self.event_gap}")
        limits.check(self, "above 0 and below 1", "--same")
        if not 0.01 <= self.temperature <= 100:
            raise UserError(f"--temperature must be in [0.01, 100], got {self.temperature}")
        if self.calibrate_on is not None and self.temperature != 1:
            raise UserError("give --temperature or --calibrate_on, not both")

    def _sources(self) -> list[tuple[str, Path | None]]:
        names = ("input_json", "db", "media_csv", "exif")
        return [(f"--{name}", getattr(self, name)) for name in names]

    @property
    def events_path(self) -> Path:
        """The table of events to write."""
        return self.output_dir / events_csv.NAME

    def metadata(self, temperature: float) -> dict[str, object]:
        """Return how classes are made, for ``classifier_metadata``; names of files, not paths."""
        source, path = next((flag, path) for flag, path in self._sources() if path is not None)
        return {
            "fused": {
                "tables": [table.name for table in self.classification_csv],
                "events_from": f"{source.removeprefix('--')}: {path and path.resolve().name}",
                "event_gap": self.event_gap,
                "rule": self.rule,
                "same": self.same,
                "temperature": temperature,
            }
        }
