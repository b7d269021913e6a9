"""``classifier_output.csv.gz``: what a classifier said about each crop.

One row for each crop: its path, then perhaps its true label and its weight, then the probability
of each label in index order::

    path,cat,cervid
    caltech/13/a.jpg___crop00_mdv4.1.jpg,0.12,0.88

    path,label,weight,cat,cervid
    caltech/13/a.jpg___crop00_mdv4.1.jpg,cervid,0.75,0.12,0.88

``run_classifier.py`` writes the first, ``evaluate_model.py`` the second (``outputs_{split}``).
Numbers have the fewest digits that give them back.  A name that ends in ``.gz`` is compressed, in
one member or several.  Both ways it is a stream: a million rows want no more memory than a
thousand.  Nothing in the file tells when or as what it was written: equal rows are equal bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError
from database_tools.durable import files

try:
    # Unpacks three times as fast.  Only for reading: what it packs differs between its versions.
    from isal import igzip, isal_zlib
except ImportError:  # there is none for some processors
    _Unpacking: Callable[..., Any] = gzip.GzipFile
    _UNPACKING_ERRORS: tuple[Any, ...] = (gzip.BadGzipFile, EOFError, zlib.error)
else:
    _Unpacking = igzip.IGzipFile
    _UNPACKING_ERRORS = (gzip.BadGzipFile, EOFError, isal_zlib.error)

try:
    # Numbers straight into an array, three times as fast as by way of Python's objects.
    from simdjson import Parser
except ImportError:  # as above
    _Parser: Any = None
else:
    _Parser = Parser

Floats = npt.NDArray[np.float64]

PATH, LABEL, WEIGHT = "path", "label", "weight"
_BLOCK = 1 << 20  # bytes that are read at a time
_SPECIAL = re.compile('[",\r\n]')


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of the table: (n, C) probabilities, n true labels and weights if it has them."""

    paths: list[str]
    probabilities: Floats
    labels: list[str] | None = None
    weights: Floats | None = None


class Writer:
    """Writes rows; see ``writing``."""

    def __init__(self, stream: io.BufferedIOBase, columns: Sequence[str]) -> None:
        self._stream = stream
        self._stream.write((",".join(map(_cell, columns)) + "\n").encode())

    def write(
        self,
        paths: Sequence[str],
        probabilities: npt.NDArray[np.floating],
        labels: Sequence[str] | None = None,
        weights: npt.NDArray[np.float64] | None = None,
    ) -> None:
        """Append n rows; labels and weights as the header says, (n, C) of float32 or float64."""
        columns = [[_cell(path) for path in paths]]
        if labels is not None:
            columns.append([_cell(label) for label in labels])
        if weights is not None:
            columns.append([repr(weight) for weight in weights.tolist()])
        heads = [",".join(cells).encode() for cells in zip(*columns, strict=True)]
        rows = _numbers(probabilities) if probabilities.size else []
        lines = [b",".join(parts) for parts in zip(heads, rows, strict=True)] if rows else heads
        self._stream.write(b"".join([line + b"\n" for line in lines]))


@contextmanager
def writing(
    path: Path, label_names: Sequence[str], *, labels: bool = False, weights: bool = False
) -> Iterator[Writer]:
    """Give a ``Writer``; the ``.csv`` or ``.csv.gz`` appears whole at the end, or not at all.

    ``labels`` and ``weights`` say whether rows have these.
    """
    columns = [PATH, *([LABEL] if labels else []), *([WEIGHT] if weights else []), *label_names]
    with files.replacing(path) as temporary, temporary.open("wb") as raw:
        if path.suffix != ".gz":
            yield Writer(raw, columns)
            return
        # Digits hardly compress: level 6 would take five times as long for a tenth less.
        with gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as packed:
            yield Writer(packed, columns)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def _numbers(table: npt.NDArray[np.floating]) -> list[bytes]:
    """Write each row of (n, C) numbers as text."""
    import orjson  # shortest digits of float32 and float64, thirty times as fast as numpy

    text = orjson.dumps(np.ascontiguousarray(table), option=orjson.OPT_SERIALIZE_NUMPY)
    return text[2:-2].split(b"],[")


class Table:
    """A table of C labels that is read; iterate over it for its ``Rows``."""

    def __init__(self, path: Path, stream: io.BufferedIOBase) -> None:
        self._path, self._blocks = path, _blocks(path, stream)
        header = next(csv.reader(io.StringIO(_first_row(stream).decode("utf-8-sig"))), [])
        if not header or header[0] != PATH:
            raise FormatError(path, "line 1", f"expected {PATH},LABELS..., found {header[:3]}")
        self.has_labels = header[1:2] == [LABEL]
        self.has_weights = header[1 + self.has_labels : 2 + self.has_labels] == [WEIGHT]
        self._before = 1 + self.has_labels + self.has_weights
        self.label_names = tuple(header[self._before :])
        if len(set(self.label_names)) < len(self.label_names):
            raise FormatError(path, "line 1", "a label has two columns")

    def __iter__(self) -> Iterator[Rows]:
        line = 2
        for block in self._blocks:
            yield self._rows(line, block)
            line += int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord("\n")))

    def _rows(self, first: int, block: bytes) -> Rows:
        try:
            cells, numbers = self._cut(block)
            table = self._numbers(numbers)
            weights = [float(row[self._before - 1]) for row in cells] if self.has_weights else None
        except (ValueError, IndexError):
            raise self._wrong(first, block) from None
        return Rows(
            [row[0] for row in cells],
            table,
            [row[1] for row in cells] if self.has_labels else None,
            None if weights is None else np.array(weights, np.float64),
        )

    def _cut(self, block: bytes) -> tuple[list[list[str]], list[bytes]]:
        """Part the cells before the numbers, and the numbers as one text, of each row."""
        before = self._before
        if b'"' in block:
            rows = [row for row in csv.reader(io.StringIO(block.decode(), newline="")) if row]
            return [row[:before] for row in rows], [",".join(row[before:]).encode() for row in rows]
        # Only what stands before the numbers is made text: that is most of the speed.
        parted = [line.split(b",", before) for line in block.splitlines() if line]
        heads = [[cell.decode() for cell in row[:before]] for row in parted]
        return heads, [b"".join(row[before:]) for row in parted]

    def _numbers(self, rows: list[bytes]) -> Floats:
        """Turn rows of numbers into (n, C); raise ValueError where they are not."""
        width = len(self.label_names)
        if not width:
            if any(rows):
                raise ValueError
            return np.zeros((len(rows), 0))
        table = _parsed(rows, width)
        if not np.isfinite(table).all():
            raise ValueError
        return table

    def _wrong(self, first: int, block: bytes) -> FormatError:
        """Find the first row that is no row of this table."""
        expected = self._before + len(self.label_names)
        reader = csv.reader(io.StringIO(block.decode(), newline=""))
        for row in reader:
            place = f"line {first + reader.line_num - 1}"
            if row and len(row) != expected:
                return FormatError(self._path, place, f"{len(row)} cells for {expected} columns")
            for cell in row[1 + self.has_labels :]:
                if not _is_number(cell):
                    return FormatError(self._path, place, f"expected a number, found {cell[:40]!r}")
        return FormatError(self._path, f"line {first}", "no rows of this table")


def _first_row(stream: io.BufferedIOBase) -> bytes:
    row = stream.readline()
    while row.count(b'"') % 2 and (more := stream.readline()):
        row += more
    return row


def _blocks(path: Path, stream: io.BufferedIOBase) -> Iterator[bytes]:
    """Yield whole rows, about ``_BLOCK`` bytes at a time."""
    rest = b""
    while part := stream.read(_BLOCK):
        rest += part
        end = rest.rfind(b"\n") + 1
        # A row ends at a line break outside quotes; those inside a path come with both quotes.
        while end and b'"' in rest and rest.count(b'"', 0, end) % 2:
            end = rest.rfind(b"\n", 0, end - 1) + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
    if rest.count(b'"') % 2:
        raise FormatError(path, "the last row", "a quote is not closed")
    if rest:
        yield rest + b"\n"


def _is_number(cell: str) -> bool:
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def _parsed(rows: list[bytes], width: int) -> Floats:
    """Turn rows of ``width`` numbers into a table; raise ValueError where they are not."""
    shape = (len(rows), width)
    if not any(b"[" in row for row in rows):  # a list in a cell would be taken for its elements
        try:
            return _decoded(b"[[" + b"],[".join(rows) + b"]]", shape)
        except (ValueError, TypeError, RuntimeError):  # +1, 1. and .5 are numbers too
            pass
    lists = [[float(cell) for cell in row.split(b",")] for row in rows]
    return np.array(lists, np.float64).reshape(shape)


def _decoded(text: bytes, shape: tuple[int, int]) -> Floats:
    """Decode lists of numbers in JSON; raise for anything else."""
    if _Parser is not None:
        rows = _Parser().parse(text)
        if set(map(len, rows)) != {shape[1]}:
            raise ValueError
        return np.frombuffer(rows.as_buffer(of_type="d"), np.float64).reshape(shape)
    import orjson

    if text.translate(None, b"[0123456789+-.eE, ]"):  # JSON's true, for one, is no number
        raise ValueError
    return np.array(orjson.loads(text), np.float64).reshape(shape)


@contextmanager
def reading(path: Path) -> Iterator[Table]:
    """Open a table, compressed if its content is.

    Raises:
        FormatError: if it is no such table, from here or while it is read.
    """
    try:
        with files.opened(path) as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            yield Table(path, _Unpacking(fileobj=raw) if packed else raw)
    except (*_UNPACKING_ERRORS, UnicodeDecodeError, csv.Error) as error:
        raise FormatError(path, "the file", str(error)) from None
