"""``classification_ds.csv``: the crops of a classification dataset, a row each.

    path,dataset,location,dataset_class,confidence,label
    caltech/elk/1.jpg___crop00_mdv4.1.jpg,caltech,013,elk,0.953,cervid

=============  ============================================================================
path           of the crop below the crops' folder, with forward slashes; backslashes, ``./``
               and ``//`` are read as such
dataset        name of the dataset that the picture is from
location       where it was taken, always text ("013" is not 13); ``unknown_location`` if the
               source has none, as which an empty or blank one is read
dataset_class  class that the source assigned; the column may be missing
confidence     the detector's, in [0, 1]; 1.0 for a box drawn by hand
label          the classifier's label; several are separated by commas
=============  ============================================================================

Rows are read, twice, and written one at a time: a table of millions never has to fit into memory.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from database_tools.core import names, splits
from database_tools.core.errors import FormatError
from database_tools.core.names import written
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
    """Yield the rows in order, as ``lines`` does."""
    for _, crop in lines(path):
        yield crop


def lines(path: Path) -> Iterator[tuple[int, Crop]]:
    """Yield (line, row) in order; a row that is there twice, word by word, counts once.

    Empty lines, and lines of empty cells, as spreadsheets leave them, do not count.

    Raises:
        UserError: if there is no such file.
        FormatError: if a column is missing, a value is wrong, or two rows of a crop contradict
            each other, with the line.
    """
    repeated = _repeated(path)
    first: dict[str, tuple[int, Crop]] = {}
    with _opened(path) as (place, columns, table):
        parse = _parser(place, columns)
        for cells in table:
            crop = parse(cells)
            if repeated and hash(key := names.key(crop.path)) in repeated:
                earlier, one = first.setdefault(key, (place.line, crop))
                if one._replace(path=crop.path) != crop:
                    raise place.error(f"{crop.path!r} is otherwise in line {earlier}")
                if earlier != place.line:
                    continue
            yield place.line, crop


def _repeated(path: Path) -> set[int]:
    """Return the hashes of paths that more than one row has: 8 bytes a row, however many."""
    with _opened(path) as (place, columns, table):
        at = _at(place, columns)["path"]
        hashes = np.fromiter(
            (hash(names.key(_relative(place, cells[at]))) for cells in table), np.int64
        )
    values, counts = np.unique(hashes, return_counts=True)
    return set(values[counts > 1].tolist())


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[_Place, list[str], Iterator[list[str]]]]:
    """Give the place that is read, the columns, and the rows' cells."""
    try:
        with io.TextIOWrapper(files.opened(path), encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            place = _Place(path, reader)
            columns = next(reader, [])
            while columns and not columns[-1]:  # commas at the end
                columns.pop()
            yield place, columns, _cells(place, reader, len(columns))
    except UnicodeDecodeError as error:
        raise FormatError(path, "", f"not UTF-8 text: {error.reason}") from None
    except csv.Error as error:
        raise place.error(f"not CSV: {error}") from None


def _cells(place: _Place, reader: Iterator[list[str]], number: int) -> Iterator[list[str]]:
    for cells in reader:
        if len(cells) == number and cells[0]:  # the usual case first: there are millions
            yield cells
        elif any(cells):
            if len(cells) < number or any(cells[number:]):
                raise place.error(f"{len(cells)} values for {number} columns")
            yield cells


class _Place:
    def __init__(self, path: Path, table: Iterator[list[str]]) -> None:
        self._path = path
        self._table = table

    @property
    def line(self) -> int:
        return self._table.line_num  # type: ignore[attr-defined]

    def error(self, rule: str) -> FormatError:
        return FormatError(self._path, f"line {self.line}", rule)


def _at(place: _Place, columns: list[str]) -> dict[str, int]:
    """Return where the columns are."""
    wanted = [name for name in COLUMNS if name != "dataset_class"]
    if missing := [name for name in wanted if name not in columns]:
        raise place.error(f"no column {missing[0]!r}; it has {', '.join(columns) or 'none'}")
    return {name: columns.index(name) for name in COLUMNS if name in columns}


def _parser(place: _Place, columns: list[str]) -> Callable[[list[str]], Crop]:
    """Return what makes a row of this table's cells."""
    at = _at(place, columns)
    path, dataset, location = at["path"], at["dataset"], at["location"]
    original, confidence, label = at.get("dataset_class"), at["confidence"], at["label"]

    def parse(cells: list[str]) -> Crop:
        return Crop(
            _relative(place, cells[path]),
            cells[dataset],
            cells[location] if splits.known(cells[location]) else splits.UNKNOWN,
            "" if original is None else cells[original],
            _confidence(place, cells[confidence]),
            _labels(place, cells[label]),
        )

    return parse


def _relative(place: _Place, path: str) -> str:
    name = written(path)
    if name is None:
        raise place.error(f"path {path!r} does not stay in the folder of crops")
    return name


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


def are_plain(crops: Sequence[Crop]) -> bool:
    """Say whether rows, once written, are read as they are, which nearly all are; at least one."""
    several, _, places, classes, confidences, labels = zip(*crops, strict=True)
    paths, texts = "\n".join(several), {*places, *classes, *chain(*set(labels))}
    if "//" in paths or "./" in paths or "\\" in paths or "" in chain(*set(labels)):
        return False
    is_read = all(map(str.strip, set(places))) and all(0 <= c <= 1 for c in set(confidences))
    return is_read and "\r" not in "".join((paths, *texts))


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
        writer.writerows(map(_written, crops))


def _written(crop: Crop) -> tuple[str, str, str, str, float, str]:
    path, dataset, location, original, confidence, labels = crop
    if (label := ",".join(labels)).count(",") >= len(labels):
        raise ValueError(f"{path}: a label of {label!r} has a comma")
    return path, dataset, location, original, float(confidence), label
