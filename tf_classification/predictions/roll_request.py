"""What ``roll_up.py`` is asked to do; light to import."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import flag
from tf_classification.predictions.result_request import ResultRequest


@dataclass(frozen=True, kw_only=True)
class RollRequest(ResultRequest):
    """Flags of the command."""

    model: Path | None = flag(
        "bundle, or .tflite beside its JSON, that knows it",
        group="what labels are: give at least one",
    )
    taxonomy: Path | None = flag("taxonomy CSV; with --model, for lineages", metavar="CSV")
    label_spec: Path | None = flag("of the labels, for --taxonomy", "--label_spec", metavar="JSON")
    taxonomy_parents: Path | None = flag(
        "parents of taxa that have several", "--taxonomy_parents", metavar="CSV"
    )
    target: float = flag(
        "least probability of an answer (default: %(default)s)", default=0.65, group="how"
    )
    allow_list: Path | None = flag(
        "labels and taxa that there can be", "--allow_list", metavar="FILE"
    )
    geofence: Path | None = flag("what lives where, as SpeciesNet has it", metavar="JSON")
    country: str | None = flag("where the pictures were taken, e.g. KEN", metavar="ISO3")
    admin1: str | None = flag("part of the country, e.g. CA", metavar="CODE")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model is None and self.taxonomy is None:
            raise UserError("give --model or --taxonomy, to know what labels are")
        if self.model is not None and self.label_spec is not None:
            raise UserError("give --model or --label_spec, not both")
        for name in ("label_spec", "taxonomy_parents"):
            if getattr(self, name) is not None and self.taxonomy is None:
                raise UserError(f"--{name} needs --taxonomy")
        limits.check(self, "above 0 and at most 1", "--target")
        if (self.geofence is None) != (self.country is None):
            raise UserError("--geofence and --country need each other")
        if self.admin1 is not None and self.country is None:
            raise UserError("--admin1 needs --geofence and --country")
        for name, letters in (("country", 3), ("admin1", 2)):
            code = getattr(self, name)
            if code is not None and not re.fullmatch(f"[A-Z]{{{letters}}}", code):
                raise UserError(f"--{name} must be {letters} capital letters, got {code!r}")

    def metadata(self) -> dict[str, object]:
        """Return how classes are made, for ``classifier_metadata``; names of files, not paths."""
        files = ("model", "taxonomy", "label_spec", "taxonomy_parents", "allow_list", "geofence")
        given = {name: getattr(self, name) for name in files}
        told: dict[str, object] = {
            "tables": [table.name for table in self.classification_csv],
            "target": self.target,
            **{name: path.resolve().name for name, path in given.items() if path is not None},
        }
        where = {"country": self.country, "admin1": self.admin1}
        return {"rolled_up": told | {name: code for name, code in where.items() if code}}
