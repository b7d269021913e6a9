"""A folder of this machine that keeps what was fetched, up to a number of bytes.

What was used longest ago makes room; a file is known by its address, size and time, so one that
changed is fetched again.  Processes share the folder: each writes under its lock, and whoever has
a file open keeps it when its name goes.  Workers find the folder in the environment.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.remote import access

FOLDER, GIGABYTES = "TF_CLASSIFICATION_CACHE_DIR", "TF_CLASSIFICATION_CACHE_GB"
DEFAULT_GIGABYTES = 20.0

_FILES, _TOTAL = "fetched", ".total"

_FULL = 0.9
"""Part of the room that is filled at most when room is made, so that it is rarely made."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cache:
    """See the module.

    Attributes:
        folder: of the files.
        limit: most bytes of all of them together.
    """

    folder: Path
    limit: int

    def find(self, name: str) -> Path | None:
        """Return where a file lies, and note that it is used; None if it is not kept."""
        found = self.folder / name
        try:
            os.utime(found)
        except OSError:
            return None
        return found

    def keep(self, name: str, size: int, fill: Callable[[Path], object]) -> Path | None:
        """Keep a file, making room first; None if it is larger than half of the room.

        Args:
            name: to find it by.
            size: in bytes.
            fill: writes it to a path.

        Raises:
            UserError: if the folder cannot be written.
        """
        if size > self.limit // 2:
            return None
        temporary = self.folder / f".{os.getpid()}-{threading.get_native_id()}.tmp"
        with _writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._reserve(size, temporary)
        try:
            fill(temporary)
            with _writing(self.folder):
                temporary.replace(self.folder / name)
        finally:
            temporary.unlink(missing_ok=True)
        return self.folder / name

    def _reserve(self, size: int, temporary: Path) -> None:
        """Make room for a file that is about to come."""
        import filelock  # not for -h

        counted = self.folder / _TOTAL
        with filelock.FileLock(self.folder / ".lock", fallback_to_soft=False):
            try:
                total = int(counted.read_bytes())
            except (OSError, ValueError):
                total = self.limit  # nobody knows: count
            if total + size > self.limit:
                total = self._make_room(size)
            counted.write_text(str(total + size), encoding="ascii")
            with temporary.open("wb") as file:  # whoever counts meanwhile counts it too
                file.truncate(size)

    def _make_room(self, size: int) -> int:
        """Delete what was used longest ago until a tenth is free too; return what is left."""
        with os.scandir(self.folder) as entries:
            files = [entry for entry in entries if entry.name not in (".lock", _TOTAL)]
            there = [(e.stat().st_mtime_ns, e.stat().st_size, e.path) for e in files]
        total = sum(length for _, length, _ in there)
        for _, length, path in sorted(there):
            if total + size <= self.limit * _FULL:
                break
            with contextlib.suppress(OSError):
                Path(path).unlink()
            total -= length
        return total


def local() -> Path:
    """Return the folder of this machine for all that belongs to stores."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(FOLDER) or default / "tf-classification")


def beside(folder: Path) -> Path:
    """Return where what is made of a folder's files is kept: in it, unless it is in a store."""
    scheme, slashes, rest = str(folder).partition("://")
    return local() / "made" / scheme / rest if slashes else folder


def of_environment() -> Cache | None:
    """Return the cache that the command was given; None if it was given none."""
    folder = os.environ.get(FOLDER)
    if not folder:
        return None
    try:
        limit = float(os.environ.get(GIGABYTES) or DEFAULT_GIGABYTES)
    except ValueError:
        raise UserError(f"{GIGABYTES} must be a number, got {os.environ[GIGABYTES]!r}") from None
    return Cache(Path(folder) / _FILES, int(limit * 10**9))


def read(address: str) -> bytes:
    """Return a file's bytes; raise FileNotFoundError if there is none."""
    if (cache := of_environment()) is None:
        return access.read(address)
    name = _name(address, entry := access.stat(address))
    if (found := cache.find(name)) is not None:
        with contextlib.suppress(FileNotFoundError):  # it made room meanwhile
            return found.read_bytes()
    content = access.read(address)
    if len(content) == entry.size:  # else it has just changed
        cache.keep(name, len(content), lambda path: path.write_bytes(content))
    return content


def path(address: str, *, there_only: bool = False) -> Path | None:
    """Return a copy of a file, brought here if need be.

    Args:
        address: of the file.
        there_only: bring nothing.

    Returns:
        None if there is no cache, or it has no room for such a file.

    Raises:
        FileNotFoundError: if there is no such file.
    """
    if (cache := of_environment()) is None:
        return None
    name = _name(address, entry := access.stat(address))
    if (found := cache.find(name)) is not None or there_only:
        return found
    return cache.keep(name, entry.size, lambda target: access.fetch(address, target))


def bring_ahead(addresses: Sequence[str]) -> threading.Thread | None:
    """Begin to bring files here in their order, as many as fit, and return who does it.

    The others stay where they are: to bring each when it is asked for, and have it make room for
    the next, would move far more than what is read of it.
    """
    if (cache := of_environment()) is None:
        return None

    def bring() -> None:
        room = cache.limit * _FULL
        for address in addresses:
            try:
                room -= access.stat(address).size
                if room < 0:
                    return
                path(address)
            except (OSError, UserError) as error:  # whoever reads it is told
                log.warning("WARNING: not brought ahead: %s", error)
                return

    thread = threading.Thread(target=bring, name="bring ahead", daemon=True)
    thread.start()
    return thread


def _name(address: str, entry: access.Entry) -> str:
    known_by = f"{address}\0{entry.size}\0{entry.time}"
    return hashlib.sha256(known_by.encode("utf-8", "surrogatepass")).hexdigest()[:40]


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror}") from None
