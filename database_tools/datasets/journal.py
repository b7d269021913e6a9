"""``journal.jsonl``: what became of each picture of a build, in listed order.

    ["crop", 17, 4, "train", 1, 320, 311, 20511, "red fox/site1/a.jpg"]
    ["drop", 18, "missing", -1]
    ["box", 19, 2, "box without area"]
    ["shard", "train", 0, 4123411]

A crop has the picture's position, its own id, split, class id, width, height, the length of its
file, and the file; a drop a reason, and the size of a file that could not be read (-1: none), so
that a later run sees when it has changed; a box is one of several that gave no crop; a shard is
one that is full, with its length.  A crop's line is on the disk before its file is written, so
the journal knows every file that a build may have written, however it ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from database_tools.durable import journal

NAME = "journal.jsonl"


class CropLine(NamedTuple):
    """A crop in the dataset; see the module."""

    image: int
    id: int
    split: str
    label: int
    width: int
    height: int
    size: int
    name: str


class DropLine(NamedTuple):
    """A picture that is not in the dataset; ``size`` is None where its file could be read."""

    image: int
    reason: str
    size: int | None = None


class BoxLine(NamedTuple):
    """A box without a crop, of a picture that has others with one; boxes count from 0."""

    image: int
    box: int
    reason: str


class ShardLine(NamedTuple):
    """A shard that is full: its split, number and length in bytes."""

    split: str
    shard: int
    size: int


Line = CropLine | DropLine | BoxLine | ShardLine

_KINDS: dict[str, type[Line]] = {
    "crop": CropLine,
    "drop": DropLine,
    "box": BoxLine,
    "shard": ShardLine,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def append(to: journal.Journal, lines: Iterable[Line]) -> None:
    """Write lines; a kill cannot lose them then, after ``to.sync()`` a power cut neither."""
    to.append((_NAMES[type(line)], *line) for line in lines)


def read(path: Path, start: int = 0) -> Iterator[Line]:
    """Yield the lines from byte ``start`` on, up to one that cannot be read."""
    return (line for _, line in read_with_ends(path, start))


def crops(path: Path) -> Iterator[CropLine]:
    """Yield the lines of crops; others are not even read."""
    return (CropLine(*rest) for _, (_, *rest) in journal.read(path, kind="crop"))


def drops(path: Path) -> Iterator[DropLine]:
    """Yield the lines of pictures that were left out, as ``crops`` does."""
    return (DropLine(*rest) for _, (_, *rest) in journal.read(path, kind="drop"))


def read_with_ends(path: Path, start: int = 0) -> Iterator[tuple[int, Line]]:
    """Yield the lines as ``read`` does, each after the byte where it ends."""
    for end, values in journal.read(path, start):
        try:
            kind, *rest = values
            line = _KINDS[kind](*rest)
        except (TypeError, ValueError, KeyError):  # of an older version
            return
        yield end, line
