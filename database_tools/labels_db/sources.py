"""Where labels come from: the kinds of source, and how each is told from the others.

cct.json                   COCO Camera Traps: an object
megadb.json                MegaDB's sequences: a list
labels.csv                 a table, by its name
package/, package.zip      Camtrap DP
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.core.label_entries import Entry
from database_tools.formats import camtrap_dp, labels_csv, megadb_json
from database_tools.formats.labels_csv import Columns
from database_tools.labels_db import coco_entries


@dataclass(frozen=True)
class Source:
    """A source, and what it does not say itself.

    Attributes:
        dataset: for a file of many.
        columns: of a CSV; its location is also the key of COCO's images.
    """

    path: Path
    dataset: str
    columns: Columns = field(default_factory=Columns)

    def entries(self) -> Iterator[Entry]:
        """Return pictures, and what was said of them.

        Raises:
            UserError: if it is no known kind, or one that does not have the named columns.
        """
        path = self.path
        if path.is_dir() or path.name == camtrap_dp.PACKAGE or zipfile.is_zipfile(path):
            check_columns(self.columns, path)
            return camtrap_dp.read(path)
        if path.suffix.lower() == ".csv":
            return labels_csv.read(path, self.columns)
        first = _first_sign(path)
        if first == "{":
            check_columns(self.columns, path, "location")
            return coco_entries.read(path, self.columns.location)
        if first == "[":
            check_columns(self.columns, path)
            return megadb_json.read(path, self.dataset)
        rule = "neither JSON of COCO Camera Traps or MegaDB, nor a .csv, nor a Camtrap DP package"
        raise UserError(f"{path}: {rule}")


def check_columns(columns: Columns, source: Path | str, *taken: str) -> None:
    """Raise UserError if a column was named, but for the roles that this kind of source takes."""
    for role, name in columns.renamed.items():
        if role not in taken:
            flag = "--location_key" if role == "location" else f"--{role}-column"
            raise UserError(f"{source}: {flag} is not for a source of this kind, got {name!r}")


def _first_sign(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            while (sign := file.read(1)).isspace():
                pass
            return sign
    except OSError as error:
        raise UserError(f"{path}: {(error.strerror or '').lower()}") from None
