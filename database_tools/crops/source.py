"""Where the pictures of a run lie: in a folder, and where they come from that are not there.

Pictures come several at a time, ahead of who cuts them.  They stay in the folder, which only one
run at a time fills, or go to a place of the run's own and are deleted as soon as they are cut.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from database_tools import remote
from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.crops.wanted import Wanted
from database_tools.durable import files, locks, spelling
from database_tools.durable.folders import STATE
from database_tools.stores import downloads
from database_tools.stores.store import Store
from database_tools.work.stream import in_order

Pictures = Iterable[tuple[str, Wanted | str]]
"""Names of all pictures, each with its boxes or why none becomes a crop."""


@dataclass(frozen=True)
class Source:
    """Where pictures are, and come from.

    Attributes:
        folder: of the pictures; None if all come from the store.
        store: of those that are not in the folder; None if there is no other place.
        keep: whether what comes stays in the folder.
        threads: pictures that come at a time.
    """

    folder: Path | None
    store: Store | None = None
    keep: bool = False
    threads: int = 1

    def __post_init__(self) -> None:
        limits.check(self, "at least 1", "--threads")
        if self.folder is None and (self.store is None or self.keep):
            raise UserError("--images-dir: a folder of the pictures is needed")
        if self.keep and self.store is not None and remote.is_address(str(self.folder)):
            raise UserError("--save-full-images needs --images-dir of this machine")
        if self.folder is not None and not self.folder.is_dir():
            comes = self.store is not None and self.keep and not self.folder.exists()
            if not comes:
                raise UserError(f"--images-dir {self.folder}: no such folder")


class Bringing:
    """Brings a number of pictures while a folder of crops is made; use as a context manager."""

    def __init__(self, source: Source, crops: Path) -> None:
        self._source, self._crops, self._own = source, crops, crops / STATE / "pictures"
        self._lock = contextlib.ExitStack()
        self._executor: ThreadPoolExecutor | None = None
        self._tidied: set[Path] = set()
        self.number = 0
        own = [self._own] if source.store is not None and not source.keep else []
        self.folders = [folder for folder in (source.folder, *own) if folder is not None]

    def __enter__(self) -> Bringing:
        shutil.rmtree(self._own, ignore_errors=True)  # of a run that was killed
        if self._source.store is not None:
            self.folders[-1].mkdir(parents=True, exist_ok=True)
            if (filled := self._filled) is not None and filled.resolve() != self._crops.resolve():
                self._lock.enter_context(locks.locked(filled / STATE / "lock"))
            self._executor = ThreadPoolExecutor(self._source.threads, "bring")
        return self

    def __exit__(self, *error: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(cancel_futures=True)
        shutil.rmtree(self._own, ignore_errors=True)
        self._lock.close()

    @property
    def _filled(self) -> Path | None:
        """The folder in which pictures stay; None if they go."""
        return self._source.folder if self._source.keep else None

    def path(self, picture: str) -> Path:
        """Return where a picture is, or should be."""
        folder, own = self._source.folder, self._own_path(picture)
        if folder is None or (self._executor is not None and own.exists()):
            return own
        return folder / picture

    def come(self, pictures: Pictures, is_cut: Callable[[Wanted], bool]) -> Pictures:
        """Yield pictures, in order, when they are there or are cut; those not to be had, why."""
        if self._executor is None:
            yield from pictures
            return

        def jobs() -> Iterator[tuple[tuple[str, Wanted | str], Wanted | None]]:
            for name, wanted in pictures:
                if isinstance(wanted, Wanted):
                    self._tidy(name)
                    yield (name, wanted), wanted
                else:
                    yield (name, wanted), None

        def bring(wanted: Wanted) -> str | bool:
            return not is_cut(wanted) and self._bring(wanted.picture)

        ahead = 2 * self._source.threads
        for (name, wanted), came in in_order(self._executor, bring, jobs(), ahead):
            self.number += came is True
            yield name, came if isinstance(came, str) else wanted

    def leave(self, picture: str) -> None:
        """Delete a picture that is cut, unless it stays."""
        if self._executor is not None:
            self._own_path(picture).unlink(missing_ok=True)

    def _tidy(self, picture: str) -> None:
        """Delete what a killed run left half written, before the first picture comes there."""
        if (filled := self._filled) is None:
            return
        if (parent := (filled / picture).parent) not in self._tidied:
            files.remove_leftovers(parent)
            self._tidied.add(parent)

    def _bring(self, picture: str) -> str | bool:
        """Return whether a picture came, or why it cannot be had."""
        folder, store = self._source.folder, self._source.store
        if folder is not None and spelling.locate(folder / picture).is_file():
            return False
        target = self._filled / picture if self._filled else self._own_path(picture)
        assert store is not None  # else nobody brings
        return downloads.bring(store, picture, target) or True

    def _own_path(self, picture: str) -> Path:
        # Whatever it is called, it has a place here.
        return self._own / hashlib.sha1(picture.encode("utf-8", "surrogatepass")).hexdigest()
