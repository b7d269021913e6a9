"""A folder of this machine, or at an address of an object store, as a store."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from database_tools.core import reasons
from database_tools.core.errors import UserError
from database_tools.core.names import written
from database_tools.durable import files, spelling
from database_tools.remote import RemotePath
from database_tools.stores.store import Unavailable


class Folder:
    """Files below a folder; a name in another Unicode form finds its file."""

    def __init__(self, folder: Path) -> None:
        """Take a folder; raise UserError if there is none."""
        self._folder = folder
        if not self._folder.is_dir():
            raise UserError(f"{folder}: no such folder")

    def exists(self, name: str) -> bool:
        """As ``Store.exists``; folders, pipes and devices are no files."""
        try:
            return stat.S_ISREG(self._path(name).stat().st_mode)
        except (OSError, ValueError, Unavailable):
            return False

    def open(self, name: str) -> BinaryIO:
        """As ``Store.open``."""
        path = self._path(name)
        if not self.exists(name):
            raise Unavailable(reasons.MISSING)
        try:
            return path.open("rb")
        except OSError:
            raise Unavailable(reasons.UNREADABLE) from None

    def list(self, prefix: str = "") -> Iterator[str]:
        """As ``Store.list``; links to folders are not followed, hidden temporaries left out."""
        if isinstance(self._folder, RemotePath):
            names = list(self._folder.below())
        else:
            names = []
            for root, _, found in os.walk(self._folder):
                here = Path(root).relative_to(self._folder)
                names += [(here / name).as_posix() for name in found if not files.is_leftover(name)]
        yield from sorted(name for name in names if name.startswith(prefix) and self.exists(name))

    def fetch(self, name: str, target: Path) -> None:
        """As ``Store.fetch``: a hard link where the disk can, else a copy."""
        with self.open(name) as source, files.replacing(target) as temporary:
            # Of what a symbolic link leads to, not of the symbolic link.
            path = self._path(name).resolve()
            try:
                os.link(path, temporary)
            except OSError:  # another disk, one without hard links, or a store
                _copy(source, temporary)
                if not isinstance(path, RemotePath):
                    shutil.copystat(path, temporary)

    def _path(self, name: str) -> Path:
        tidy = written(name)
        if tidy is None:
            raise Unavailable(reasons.OUTSIDE)
        return spelling.locate(self._folder / tidy)


def _copy(source: BinaryIO, target: Path) -> None:
    with target.open("wb") as copy:
        while block := _read(source):
            copy.write(block)


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(1 << 20)
    except OSError:
        raise Unavailable(reasons.UNREADABLE) from None
