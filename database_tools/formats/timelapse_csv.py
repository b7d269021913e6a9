r"""A CSV that Timelapse exports, as far as it says which pictures are mislabeled.

    File,RelativePath,mislabeled,correct_class
    z.jpg,idfg\deep\er,true,elk
    y.jpg,idfg,false,

``RelativePath`` begins with the dataset; it is that alone for a picture right below the dataset's
folder.  A picture is mislabeled where the flag is true; ``correct_class`` may be blank.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from database_tools.core.names import written
from database_tools.formats import csv_table

COLUMNS = ("File", "RelativePath", "mislabeled", "correct_class")
_FLAGS = {"true": True, "false": False, "": False}


class Mislabeled(NamedTuple):
    """A picture, as (dataset, path in it), and what it shows, "" if nobody knows."""

    dataset: str
    file: str
    correct_class: str


def read(path: Path) -> Iterator[Mislabeled]:
    """Yield the pictures that are mislabeled."""
    return csv_table.made(path, COLUMNS, _mislabeled)


def _mislabeled(row: csv_table.Row) -> Mislabeled | None:
    correct, flag = row["correct_class"].strip(), row["mislabeled"].strip().lower()
    if flag not in _FLAGS:
        raise ValueError(f"mislabeled must be true or false, got {row['mislabeled']!r}")
    if not _FLAGS[flag]:
        if correct:
            raise ValueError(f"has the correct_class {correct!r}, but mislabeled is not true")
        return None
    name = written(f"{row['RelativePath']}/{row['File']}")
    if name is None or "/" not in name or not row["File"].strip():
        parts = f"{row['RelativePath']!r} and {row['File']!r}"
        raise ValueError(f"RelativePath must begin with the dataset, got {parts}")
    dataset, _, file = name.partition("/")
    return Mislabeled(dataset, file, correct)
