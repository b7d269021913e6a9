"""What ``roll_up.py`` is asked to do; light to import."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from tf_classification.predictions.result_request import ResultRequest


@dataclass(frozen=True, kw_only=True)
class RollRequest(ResultRequest):
    """Flags of the command, by the same names.

    Attributes:
        model: bundle, or ``.tflite`` beside its JSON, that knows what its labels are; or
        taxonomy: a taxonomy CSV that does; with a model, that one's taxa with this one's lineages.
        label_spec: label specification that says what labels are, by the taxonomy; None by names.
        taxonomy_parents: table of the parents of taxa that have several.
        target: least mass of an answer.
        allow_list: labels and taxa, one a line, that there can be.
        geofence: SpeciesNet's rules of what lives where.
        country: where, three letters.
        admin1: part of the country, two letters.
    """

    model: Path | None = None
    taxonomy: Path | None = None
    label_spec: Path | None = None
    taxonomy_parents: Path | None = None
    target: float = 0.65
    allow_list: Path | None = None
    geofence: Path | None = None
    country: str | None = None
    admin1: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.model is None and self.taxonomy is None:
            raise UserError("give --model or --taxonomy, to know what labels are")
        if self.model is not None and self.label_spec is not None:
            raise UserError("give --model or --label_spec, not both")
        for name in ("label_spec", "taxonomy_parents"):
            if getattr(self, name) is not None and self.taxonomy is None:
                raise UserError(f"--{name} needs --taxonomy")
        if not 0 < self.target <= 1:
            raise UserError(f"--target must be above 0 and at most 1, got {self.target}")
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
