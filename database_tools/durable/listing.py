"""Which files are there, from one listing of each folder: a tenth of the calls."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from database_tools.durable import spelling


class Folders:
    """What lies below a folder; each folder is listed when it is first asked about."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[str, frozenset[str]] = {}

    def __contains__(self, path: str) -> bool:
        """Say whether there is an entry of this name, a relative path with forward slashes."""
        folder, _, name = path.rpartition("/")
        if (listed := self._listed.get(folder)) is None:
            listed = self._listed[folder] = frozenset(_names(self._root / folder))
        if name in listed or path.isascii():
            return name in listed
        return spelling.locate(self._root / path).exists()  # in another Unicode form


def _names(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return
