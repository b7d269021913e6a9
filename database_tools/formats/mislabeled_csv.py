"""``megadb_mislabeled/<dataset>.csv``: pictures of a dataset that are known to be mislabeled.

    file,correct_class
    a/new.jpg,elk
    a/x.jpg,

``file`` is the path in the dataset, with its prefix; without a correct class, nobody knows what the
picture shows.  Rows are sorted by file, each file once.

Source: README, "Directory structure"; save_mislabeled.py of the original.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.formats import csv_table

FOLDER = "megadb_mislabeled"

_COLUMNS = ("file", "correct_class")

Corrections = Mapping[str, str]
"""File to its correct class, "" where nobody knows it."""


def path_of(folder: Path, dataset: str) -> Path:
    """Return where the table of a dataset lies."""
    return folder / f"{dataset}.csv"


def read(folder: Path, dataset: str) -> Corrections:
    """Read what is known of a dataset, nothing if there is no table.

    Raises:
        FormatError: with the line of a file that is there before with another class.
    """
    path = path_of(folder, dataset)
    found: dict[str, str] = {}
    for line, row in csv_table.rows(path, _COLUMNS) if path.exists() else ():
        file, correct = row["file"].replace("\\", "/"), row["correct_class"].strip()
        if found.setdefault(file, correct) != correct:
            rule = f"{file} was {found[file]!r} before and is {correct!r} here"
            raise FormatError(path, f"line {line}", rule)
    return found


def write(folder: Path, dataset: str, corrections: Corrections) -> None:
    """Write the table of a dataset, sorted by file."""
    with csv_table.writing(path_of(folder, dataset), _COLUMNS) as writer:
        writer.writerows(sorted(corrections.items()))
