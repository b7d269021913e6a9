"""``journal.jsonl``: what became of each picture of a build, one line each, in listed order.

    ["crop", 17, 4, "train", 1, 320, 311, "red fox/site1/a.jpg"]
    ["drop", 18, "missing", -1]
    ["box", 19, 2]

A crop has the picture's position, its own id, split, class id, width, height and file; a drop a
reason, and the size of a file that could not be read (-1: none), so that a later run sees when it
has changed; a box is one of several that had no area.  A line is written before the crop's file,
so the journal knows every file that a build may have written, whenever it was killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

NAME = "journal.jsonl"


@dataclass(frozen=True, slots=True)
class CropLine:
    """A crop in the dataset.

    Attributes:
        image: position of its picture in the listed order.
        id: in the output, counted from 0 over both splits.
        split: ``train`` or ``test``.
        label: class id.
        width: of the crop in pixels.
        height: of the crop in pixels.
        name: its file, relative to the folder of crops, with forward slashes.
    """

    image: int
    id: int
    split: str
    label: int
    width: int
    height: int
    name: str


@dataclass(frozen=True, slots=True)
class DropLine:
    """A picture that is not in the dataset.

    Attributes:
        image: its position in the listed order.
        reason: why.
        size: of a file that could not be read, in bytes, -1 for no file; None where the reason
            is another.
    """

    image: int
    reason: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class BoxLine:
    """A box of a picture that had no area, while others had.

    Attributes:
        image: position of the picture in the listed order.
        box: which of its boxes, counted from 0.
    """

    image: int
    box: int


Line = CropLine | DropLine | BoxLine

_KINDS: dict[str, type[Line]] = {"crop": CropLine, "drop": DropLine, "box": BoxLine}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class Journal:
    """Appends lines to a journal, going on after ``length`` bytes of it."""

    def __init__(self, path: Path, length: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._file.truncate(length)
        self._file.seek(length)

    @property
    def length(self) -> int:
        """Bytes so far."""
        return self._file.tell()

    def append(self, line: Line) -> None:
        """Write a line; when this returns, a kill cannot lose it."""
        values = [_NAMES[type(line)], *astuple(line)]
        self._file.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(path: Path, start: int = 0) -> Iterator[Line]:
    """Yield the whole lines from byte ``start`` on; a last line that is cut off is none."""
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(start)
        for line in file:
            if line.endswith(b"\n"):
                kind, *values = json.loads(line)
                yield _KINDS[kind](*values)
