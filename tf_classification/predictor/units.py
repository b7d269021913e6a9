"""Units of 256 crops: what is asked about at a time, and kept of it.

A unit is named by a digest of all that its answer depends on, so a run that goes on after a kill
takes an answer that is there for what it is, and never one of another model or another picture.
``N.npz`` has the unit's rows that got an answer, the answers, and why the others got none.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import UserError
from database_tools.core.json_text import loads
from database_tools.durable import files, spelling
from database_tools.formats import npz
from tf_classification.predictor.sources import Absent, Found, Source

SIZE = 256
"""Crops in a unit; in one of whole pictures, those of the last one beyond it too."""

ENDING = ".npz"


@dataclass(frozen=True, slots=True)
class Unit:
    """Some sources that follow each other; named by a digest of all that the answer depends on."""

    name: str
    sources: tuple[Source, ...]

    @property
    def crops(self) -> list[str]:
        """Names of all crops, in order."""
        return [crop for source in self.sources for crop in source.crops]


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model said of a unit.

    Attributes:
        rows: (n,) rows of ``Unit.crops`` that got an answer, ascending.
        values: (n, ...) float32, what it said of each.
        reasons: row to why it got none.
    """

    rows: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    reasons: dict[int, str]


def write(path: Path, answer: Answer) -> None:
    """Keep an answer, for good."""
    lost = sorted(answer.reasons.items())
    with files.replacing(path, lasting=True) as temporary, temporary.open("wb") as file:
        np.savez(
            file,
            rows=answer.rows,
            values=answer.values,
            lost=np.array([row for row, _ in lost], np.int64),
            reasons=np.array([reason for _, reason in lost], np.str_),
        )


def read(path: Path) -> Answer:
    """Read what ``write`` wrote; raise UserError if it is not there or not whole."""
    found = npz.read(path)
    lost = dict(zip(found["lost"].tolist(), found["reasons"].tolist(), strict=True))
    return Answer(found["rows"], found["values"], lost)


class Units:
    """The units of a run, kept in a file without a name while it lasts; close it after use.

    Attributes:
        number: of units.
        crops: in all of them.
        absent: reason to the names of pictures that are not asked about.
    """

    def __init__(self, found: Iterable[Found], root: Path, question: object, folder: Path) -> None:
        """Go through the sources once.

        Args:
            found: the sources.
            root: folder that their files are below.
            question: what else answers depend on, as JSON takes it.
            folder: existing one on the disk that shall hold the list.
        """
        self.number = self.crops = 0
        self.absent: dict[str, list[str]] = {}
        self._root, self._question = root, json.dumps(question, sort_keys=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as this
        waiting: list[Source] = []
        for one in found:
            if isinstance(one, Absent):
                self.absent.setdefault(one.reason, []).append(one.file)
            elif one.crops:
                waiting.append(one)
                if sum(len(source.crops) for source in waiting) >= SIZE:
                    self._add(waiting)
                    waiting = []
        if waiting:
            self._add(waiting)

    def __iter__(self) -> Iterator[Unit]:
        self._file.seek(0)
        position = 0
        while line := self._file.readline():
            position = self._file.tell()
            name, sources = loads(line.decode("ascii"))
            yield Unit(name, tuple(map(_source, sources)))
            self._file.seek(position)  # others may have read meanwhile

    def close(self) -> None:
        """Let the system delete the list."""
        self._file.close()

    def _add(self, sources: list[Source]) -> None:
        listed = [astuple(source) for source in sources]
        digest = hashlib.sha256(self._question.encode("ascii"))
        files_seen = [state(self._root / source.file) for source in sources]
        digest.update(json.dumps([listed, files_seen]).encode("ascii"))
        line = json.dumps([digest.hexdigest()[:32], listed]).encode("ascii")
        self._file.write(line + b"\n")
        self.number += 1
        self.crops += sum(len(source.crops) for source in sources)


def as_text(source: Source) -> str:
    """Return what ``of_text`` reads."""
    return json.dumps(astuple(source))


def of_text(text: str) -> Source:
    """Read a source back."""
    return _source(loads(text))


def _source(row: list[Any]) -> Source:
    file, crops, boxes, span, confidences, location = row
    boxed = None if boxes is None else tuple(map(tuple, boxes))
    part, sure = (None if values is None else tuple(values) for values in (span, confidences))
    return Source(file, tuple(crops), boxed, part, sure, location)


def state(path: Path) -> tuple[int, int]:
    """Return what changes when a file does: its size and time of change."""
    try:
        found = spelling.locate(path).stat()
    except (OSError, ValueError):
        return -1, -1
    return found.st_size, found.st_mtime_ns


def is_answered(path: Path) -> bool:
    """Say whether a whole answer is there."""
    try:
        read(path)
    except (UserError, KeyError, ValueError):
        return False
    return True
