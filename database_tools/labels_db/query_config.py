"""What ``json_validator.py`` is asked to do, and which requests make no sense.

Light to import, as the command takes its defaults from here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.remote.arguments import Folder, Output

DROP, KEEP, SINGLE = "drop", "keep", "single"

DATABASE = "TF_CLASSIFICATION_DB"
COSMOS = ("COSMOS_ENDPOINT", "COSMOS_KEY")


@dataclass(frozen=True)
class QueryConfig:
    """What to ask for: the flags of the command.

    Attributes:
        check_blob_exists: whether pictures must be there, in their container; or a folder of
            pictures, ``<dataset>/<file>``, where they may be instead; None for no such check.
    """

    label_spec_json: Path = argument("path to JSON file of the label specification")
    taxonomy_csv: Path = argument("path to taxonomy CSV file")
    allow_multilabel: bool = flag(
        "let labels share dataset labels, so that an image may have several", default=False
    )
    single_parent_taxonomy: bool = flag(
        "a taxon that the CSV gives two parents is an error", default=False
    )
    check_blob_exists: Folder | bool | None = flag(
        "leave out images that are neither there, as LOCAL_DIR/<dataset>/<file>, nor in the "
        "container where the label database says that those of their dataset lie",
        "-c",
        nargs="?",
        const=True,
        metavar="LOCAL_DIR",
    )
    min_locs: int | None = flag("leave out labels of fewer locations", metavar="N")
    output_dir: Output | None = flag("to write to (default: only print)", "-o")
    json_indent: int | None = flag("indent of queried_images.json (default: on one line)")
    seed: int = flag("of the choice by max_count (default: %(default)s)", default=123)
    mislabeled_images: Path | None = flag(
        "folder of <dataset>.csv, the images that are known to be mislabeled", "-m", metavar="DIR"
    )
    db: Path | None = flag(f"label database (default: ${DATABASE}, else MegaDB)", group="additions")
    taxonomy_parents: Path | None = flag(
        "CSV of child and parent, for taxa of which the taxonomy has several parents",
        "--taxonomy_parents",
    )
    multiple_labels: str = flag(
        "images of several classes (default: %(default)s)",
        "--multiple_labels",
        default=DROP,
        choices=(DROP, KEEP),
    )
    sequence_labels: str = flag(
        "images that only their sequence has a class for; single: keep those of sequences of one "
        "image (default: %(default)s)",
        "--sequence_labels",
        default=KEEP,
        choices=(KEEP, DROP, SINGLE),
    )
    explain: Path | bool | None = flag(
        "print what each label is made of and what is doubtful, and query nothing",
        nargs="?",
        const=True,
        metavar="JSON",
    )
    strict: bool = flag("with --explain: warnings too end with status 2", default=False)

    def __post_init__(self) -> None:
        if self.strict and self.explain is None:
            raise UserError("--strict needs --explain")
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
