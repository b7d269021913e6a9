"""``classification_ds.csv``: the crops of a classification dataset, a row each.

    path,dataset,location,dataset_class,confidence,label
    caltech/elk/1.jpg___crop00_mdv4.1.jpg,caltech,013,elk,0.953,cervid

=============  ============================================================================
path           of the crop below the crops' folder, with forward slashes
dataset        name of the dataset that the picture is from
location       where it was taken, always text ("013" is not 13); ``unknown_location`` if the
               source has none
dataset_class  class that the source assigned; the column may be missing
confidence     the detector's, in [0, 1]; 1.0 for a box drawn by hand
label          the classifier's label; several are separated by commas
=============  ============================================================================

Rows are read and written one at a time: a table of millions never has to fit into memory.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files

NAME = "classification_ds.csv"
COLUMNS = ("path", "dataset", "location", "dataset_class", "confidence", "label")


class Crop(NamedTuple):
    """A row; see the module.  ``labels`` holds at least one."""

    path: str
    dataset: str
    location: str
    dataset_class: str
    confidence: float
    labels: tuple[str, ...]


def read(path: Path) -> Iterator[Crop]:
    """Yield the rows in order.

    Raises:
        UserError: if there is no such file.
        FormatError: if a column is missing or a value is wrong, with its line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(path, csv.reader(file, strict=True))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise FormatError(path, "", f"not UTF-8 text: {error.reason}") from None


def _rows(path: Path, lines: Iterator[list[str]]) -> Iterator[Crop]:
    place = _Place(path, lines)
    try:
        columns = next(lines, [])
        parse = _parser(place, columns)
        for line in lines:
            if len(line) != len(columns):
                raise place.error(f"{len(line)} values for {len(columns)} columns")
            yield parse(line)
    except csv.Error as error:
        raise place.error(f"not CSV: {error}") from None


class _Place:
    def __init__(self, path: Path, lines: Iterator[list[str]]) -> None:
        self._path = path
        self._lines = lines

    def error(self, rule: str) -> FormatError:
        return FormatError(self._path, f"line {self._lines.line_num}", rule)  # type: ignore[attr-defined]


def _parser(place: _Place, columns: list[str]) -> Callable[[list[str]], Crop]:
    """Return what makes a row of this table's lines."""
    wanted = [name for name in COLUMNS if name != "dataset_class"]
    if missing := [name for name in wanted if name not in columns]:
        raise place.error(f"no column {missing[0]!r}; it has {', '.join(columns) or 'none'}")
    at = {name: columns.index(name) for name in COLUMNS if name in columns}
    path, dataset, location = at["path"], at["dataset"], at["location"]
    original, confidence, label = at.get("dataset_class"), at["confidence"], at["label"]

    def parse(line: list[str]) -> Crop:
        return Crop(
            _relative(place, line[path]),
            line[dataset],
            line[location],
            "" if original is None else line[original],
            _confidence(place, line[confidence]),
            _labels(place, line[label]),
        )

    return parse


def _relative(place: _Place, path: str) -> str:
    # Cheap tests first: this runs for each of millions of rows.
    if not path or path[0] == "/" or (".." in path and ".." in PurePosixPath(path).parts):
        raise place.error(f"path {path!r} does not stay in the folder of crops")
    return path


def _confidence(place: _Place, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise place.error(f"confidence must be a number in [0, 1], got {text!r}")
    return value


def _labels(place: _Place, text: str) -> tuple[str, ...]:
    labels = tuple(text.split(","))
    if "" in labels:
        raise place.error(f"label is empty, or one of its parts is: {text!r}")
    return labels


def write(path: Path, crops: Iterable[Crop]) -> None:
    """Write the rows in the order given, whole or not at all.

    Raises:
        ValueError: if a label has a comma, which would make it two.
    """
    with (
        files.replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for crop in crops:
            if wrong := [label for label in crop.labels if "," in label]:
                raise ValueError(f"{crop.path}: label {wrong[0]!r} has a comma")
            writer.writerow((*crop[:4], repr(float(crop.confidence)), ",".join(crop.labels)))
