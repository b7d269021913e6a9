"""A container of an object store, or what lies below a prefix in it, as a store of files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from database_tools.core import reasons
from database_tools.core.errors import UserError
from database_tools.core.names import written
from database_tools.durable import files, spelling
from database_tools.remote import RemotePath, access
from database_tools.stores.store import Unavailable


class RemoteFolder:
    """Files below an address; a name in another Unicode form finds its file."""

    def __init__(self, place: Path) -> None:
        """Take an address; raise UserError if there is nothing, or the store refuses."""
        self._folder = RemotePath(place)
        if not self._folder.is_dir():
            raise UserError(f"{self._folder}: no such container, or nothing below it")

    def exists(self, name: str) -> bool:
        """As ``Store.exists``."""
        try:
            self._path(name)
        except Unavailable:
            return False
        return True

    def open(self, name: str) -> BinaryIO:
        """As ``Store.open``."""
        return cast(BinaryIO, self._path(name).open("rb"))

    def list(self, prefix: str = "") -> Iterator[str]:
        """As ``Store.list``."""
        yield from sorted(name for name in self._folder.below() if name.startswith(prefix))

    def fetch(self, name: str, target: Path) -> None:
        """As ``Store.fetch``."""
        path = self._path(name)
        with files.replacing(target) as temporary:
            access.fetch(str(path), temporary)

    def _path(self, name: str) -> RemotePath:
        """Return where a file is; raise Unavailable if there is none."""
        tidy = written(name)
        if tidy is None:
            raise Unavailable(reasons.OUTSIDE)
        found = spelling.locate(self._folder / tidy)
        if not isinstance(found, RemotePath) or not found.is_file():
            raise Unavailable(reasons.MISSING)
        return found
