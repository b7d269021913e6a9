"""Which files are there, from one listing of each folder: a tenth of the calls.

A folder that nobody may look into is a UserError: what is missing would be missed in silence.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.durable import spelling
from database_tools.remote import RemotePath


class Folders:
    """What lies below a folder; each folder is listed when it is first asked about."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[str, frozenset[str]] = {}

    def __contains__(self, path: str) -> bool:
        """Say whether there is an entry of this name, a relative path with forward slashes."""
        folder, _, name = path.rpartition("/")
        if (listed := self._listed.get(folder)) is None:
            listed = self._listed[folder] = frozenset(names(self._root / folder))
        if name in listed or path.isascii():
            return name in listed
        return spelling.locate(self._root / path).exists()  # in another Unicode form


def names(folder: Path) -> Iterable[str]:
    """Return the names in a folder; none if there is none."""
    if isinstance(folder, RemotePath):
        return [name for name, _ in entries(folder)]
    try:
        return os.listdir(folder)  # noqa: PTH208 (makes no path of each)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except PermissionError:
        raise UserError(f"{folder}: permission denied") from None


def entries(folder: Path) -> Iterator[tuple[str, bool]]:
    """Yield the names in a folder, and whether each is a folder, no link; none if there is none."""
    try:
        if isinstance(folder, RemotePath):
            yield from folder.entries()
            return
        with os.scandir(folder) as found:
            yield from ((entry.name, entry.is_dir(follow_symlinks=False)) for entry in found)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        raise UserError(f"{folder}: permission denied") from None
