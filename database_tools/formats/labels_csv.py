"""A CSV of labels: a row for each picture, or for each of its labels, columns by any names.

    file,label,location
    site1/a.jpg,elk,013
    site1/b.jpg,,013

A picture without a label is one that nobody looked at.  What a picture's rows say beside the label
must be alike.  A location is text, so "013" stays "013".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import splits
from database_tools.core.errors import FormatError
from database_tools.core.label_entries import Entry, Picture, Said
from database_tools.formats import csv_table


@dataclass(frozen=True)
class Columns:
    """Names of the columns, of which those after ``label`` are read if they are there."""

    file: str = "file"
    label: str = "label"
    location: str = "location"
    sequence: str = "sequence"
    datetime: str = "datetime"

    @property
    def renamed(self) -> dict[str, str]:
        """Roles whose column has another name than usual, and that name."""
        return {role: name for role, name in vars(self).items() if name != getattr(Columns, role)}


def read(path: Path, columns: Columns) -> Iterator[Entry]:
    """Yield the pictures, and what was said of them.

    A column that was renamed must be there, whichever it is.
    """
    wanted = columns.file, columns.label, *sorted(columns.renamed.values())
    for line, row in csv_table.rows(path, wanted):
        file, label = row[columns.file], row[columns.label].strip()
        if not file.strip():
            raise FormatError(path, f"line {line}", f"no {columns.file}")
        location = str(splits.known(row.get(columns.location)) or "") or None
        sequence, taken = row.get(columns.sequence) or None, row.get(columns.datetime) or None
        yield Picture(file, file, location, sequence, datetime=taken)
        if label:
            yield Said(file, label)
