"""What ``json_validator.py`` is asked to do, and which requests make no sense.

Light to import, as the command takes its defaults from here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.errors import UserError

DROP, KEEP, SINGLE = "drop", "keep", "single"

DATABASE = "TF_CLASSIFICATION_DB"
COSMOS = ("COSMOS_ENDPOINT", "COSMOS_KEY")


@dataclass(frozen=True)
class QueryConfig:
    """What to ask for; flags of the command, by the same names.

    Attributes:
        check_blob_exists: whether pictures must be there, in their container; or a folder of
            pictures, ``<dataset>/<file>``, where they may be instead; None for no such check.
        output_dir: where to write; None: only the dataset labels, to stdout.
        db: the label database, or None for that of the environment.
    """

    label_spec_json: Path
    taxonomy_csv: Path
    allow_multilabel: bool = False
    single_parent_taxonomy: bool = False
    check_blob_exists: Path | bool | None = None
    min_locs: int | None = None
    output_dir: Path | None = None
    json_indent: int | None = None
    seed: int = 123
    mislabeled_images: Path | None = None
    db: Path | None = None
    taxonomy_parents: Path | None = None
    multiple_labels: str = DROP
    sequence_labels: str = KEEP

    def __post_init__(self) -> None:
        limits.check(self, "at least 1", "--min-locs")
        for name in ("check_blob_exists", "mislabeled_images"):
            folder = getattr(self, name)
            if isinstance(folder, Path) and not folder.is_dir():
                raise UserError(f"{folder}: no such folder, given as --{name.replace('_', '-')}")


def database(given: Path | None) -> Path | None:
    """Return where the labels are: the file given, else the environment's; None for MegaDB.

    Raises:
        UserError: if nobody says.
    """
    if found := given or os.environ.get(DATABASE):
        return Path(found)
    if all(map(os.environ.get, COSMOS)):
        return None
    cosmos = " and ".join(COSMOS)
    raise UserError(f"no labels to ask: give --db FILE, or set {DATABASE}, or {cosmos}")
