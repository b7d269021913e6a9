"""An append-only file of lines, each a JSON list: what happened, in order.

    ["crop", 17, 4, "train", 1, 320, 311, 20511, "red fox/site1/a.jpg"]
    ["drop", 18, "missing", -1]

A kill loses no line that ``append`` wrote, a power cut none before the last ``sync``.  What is
torn, zeros or noise ends the reading, as nothing behind it can be trusted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from database_tools.durable import disk


class Journal:
    """Appends lines to a journal, going on after ``length`` bytes of it; close it after use."""

    def __init__(self, path: Path, length: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")
        self._file.truncate(length)
        self._file.seek(length)
        disk.sync(path.parent)  # its name; ``sync`` is for what it says

    @property
    def length(self) -> int:
        """Bytes so far."""
        return self._file.tell()

    def append(self, lines: Iterable[Sequence[object]]) -> None:
        """Write lines; when this returns, a kill cannot lose them."""
        # ASCII: names that are no text have no bytes in UTF-8
        self._file.writelines(json.dumps(line).encode("ascii") + b"\n" for line in lines)
        self._file.flush()

    def sync(self) -> None:
        """Wait until a power cut cannot lose a line."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read(path: Path, start: int = 0, kind: str = "") -> Iterator[tuple[int, list[Any]]]:
    """Yield each whole line from byte ``start`` on, after its end; of one kind, if named.

    Lines end where one cannot be read: cut off, zeros, noise.
    """
    wanted = f'["{kind}"'.encode()
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(start)
        end = start
        for line in file:
            end += len(line)
            if not line.endswith(b"\n"):
                return
            if kind and not line.startswith(wanted):
                continue
            try:
                values = _decoded(line)
            except (ValueError, RecursionError):
                return
            if not isinstance(values, list):
                return
            yield end, values


def _decoded(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:  # halves of surrogate pairs, which names may have
        return json.loads(line.decode("ascii"))
