"""Shards of records, ``train-00000``, ``train-00001``, ...: filled one after the other.

The open shard is a hidden neighbour, ``.train-00001.part``, and gets its name when it is full.
Where a writer stands is three numbers; a writer made from them goes on there, whatever was
written after they were noted.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from database_tools.formats import tfrecord

_NAMES = re.compile(r"(\.)?(train|test)-(?P<number>\d{5,})(?(1)\.part)")


def is_name(name: str) -> bool:
    """Say whether a file of this name is a shard, open or full."""
    return _NAMES.fullmatch(name) is not None


@dataclass(frozen=True, slots=True)
class Position:
    """Where a writer stands: the open shard, its records and its bytes."""

    shard: int = 0
    records: int = 0
    length: int = 0


class ShardWriter:
    """Writes the shards of one split, going on at a position.

    ``filled`` has the lengths of those that got their name since the last ``flush``, by number.
    """

    def __init__(self, folder: Path, split: str, per_shard: int, position: Position) -> None:
        self._folder, self._split, self._per_shard = folder, split, per_shard
        self.position = position
        self.filled: dict[int, int] = {}
        self._file: IO[bytes] | None = None
        self._roll_back()

    def write(self, payload: bytes) -> None:
        """Append a record; the shard gets its name when it is full."""
        at = self.position
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = self._part(at.shard).open("ab")
        record = tfrecord.frame(payload)
        self._file.write(record)
        self.position = Position(at.shard, at.records + 1, at.length + len(record))
        if self.position.records == self._per_shard:
            self._finish_shard()

    def flush(self) -> list[Path]:
        """Hand all to the system, which a kill does not undo; return the files written since."""
        written = [shard_path(self._folder, self._split, number) for number in self.filled]
        self.filled = {}
        if self._file is not None:
            self._file.flush()
            written.append(self._part(self.position.shard))
        return written

    def close(self) -> None:
        """Give the last shard its name, if it holds anything."""
        if self.position.records:
            self._finish_shard()

    def abandon(self) -> None:
        """Close the file and leave everything for the next run."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _finish_shard(self) -> None:
        self.abandon()
        number = self.position.shard
        self._part(number).replace(shard_path(self._folder, self._split, number))
        self.filled[number] = self.position.length
        self.position = Position(number + 1)

    def _roll_back(self) -> None:
        """Undo what was written after the position."""
        at = self.position
        full, part = shard_path(self._folder, self._split, at.shard), self._part(at.shard)
        if full.exists():  # filled and renamed after the position was noted
            full.replace(part)
        if part.exists():
            with part.open("r+b") as file:
                file.truncate(at.length)
        for path in self._folder.glob(f"*{self._split}-*"):
            # a power cut may have kept any of them
            match = _NAMES.fullmatch(path.name)
            if match and int(match["number"]) > at.shard:
                path.unlink()
        if not at.length:
            part.unlink(missing_ok=True)

    def _part(self, number: int) -> Path:
        full = shard_path(self._folder, self._split, number)
        return full.with_name(f".{full.name}.part")


def shard_path(folder: Path, split: str, number: int) -> Path:
    """Return where a full shard lies."""
    return folder / f"{split}-{number:05d}"


def holds(folder: Path, split: str, position: Position) -> bool:
    """Say whether everything before a position is there."""
    if not all(shard_path(folder, split, i).is_file() for i in range(position.shard)):
        return False
    if not position.length:
        return True
    full = shard_path(folder, split, position.shard)
    for path in (full, full.with_name(f".{full.name}.part")):
        with contextlib.suppress(FileNotFoundError):
            return path.stat().st_size >= position.length
    return False
