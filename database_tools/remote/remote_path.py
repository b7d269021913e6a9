"""A ``Path`` at an address of a store, so that whoever reads a ``Path`` reads there too."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import os
import stat
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path, PosixPath
from typing import IO, Any, NamedTuple

from database_tools.core.errors import UserError
from database_tools.remote import access, cache

_BLOCK = 4 << 20
"""Bytes that are asked for at a time where a large file is read from its start to its end."""

_SMALL = 64 << 20
"""Bytes of a file that is asked for whole."""


class Status(NamedTuple):
    """What ``os.stat`` would say, as far as a store knows."""

    st_mode: int
    st_size: int
    st_mtime_ns: int

    @property
    def st_mtime(self) -> float:
        """Time of the last change in seconds."""
        return self.st_mtime_ns / 1e9


class RemotePath(PosixPath):
    """``scheme://container/name``; what is not overridden here knows nothing of stores."""

    def __str__(self) -> str:
        scheme, colon, rest = super().__str__().partition(":/")
        return f"{scheme}://{rest.lstrip('/')}" if colon else scheme

    def __fspath__(self) -> str:
        return str(self)

    # A store has no attributes of a disk; mypy knows os.stat_result only.
    def stat(self, *, follow_symlinks: bool = True) -> Any:
        """Return a ``Status``; raise FileNotFoundError if there is no such file or folder."""
        entry = access.stat(str(self))
        kind = stat.S_IFDIR if entry.is_folder else stat.S_IFREG
        return Status(kind, entry.size, entry.time)

    lstat = stat

    def exists(self, *, follow_symlinks: bool = True) -> bool:
        """Say whether there is a file or folder."""
        return self._mode() != 0

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        """Say whether there is a file."""
        return stat.S_ISREG(self._mode())

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        """Say whether names lie below this one, or it is a container."""
        return stat.S_ISDIR(self._mode())

    def is_symlink(self) -> bool:
        """Say no."""
        return False

    def iterdir(self) -> Iterator[RemotePath]:  # type: ignore[override]
        """Yield what lies in this folder."""
        yield from (self / name for name, _ in self.entries())

    def entries(self) -> Iterator[tuple[str, bool]]:
        """Yield the names in this folder, and whether each is a folder."""
        yield from ((name, e.is_folder) for name, e in access.entries(str(self)).items())

    def below(self) -> Iterator[str]:
        """Return the relative names of all files below; asking about each costs nothing then."""
        return iter(access.below(str(self)))

    def glob(self, pattern: str, **_: Any) -> Iterator[RemotePath]:  # type: ignore[override]
        """Yield what lies below this folder and has such names; ``**`` is not one."""
        first, *rest = pattern.split("/", 1)
        names = access.entries(str(self)) if self.is_dir() else ()
        for path in (self / name for name in names if fnmatch.fnmatchcase(name, first)):
            yield from path.glob(rest[0]) if rest else (path,)

    def read_bytes(self) -> bytes:
        """Return the content, by way of the cache if there is one."""
        return cache.read(str(self))

    def open(  # type: ignore[override]
        self,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> IO[Any]:
        """Open for reading; raise FileNotFoundError if there is no such file."""
        if set(mode) & set("wax+"):
            self._refuse()
        size = self.stat().st_size
        # Who asks for parts here and there has whole files brought ahead, or not at all.
        if (kept := cache.path(str(self), there_only=buffering == 0)) is not None:
            with contextlib.suppress(FileNotFoundError):  # made room for another meanwhile
                return kept.open(mode, buffering, encoding, errors, newline)
        if buffering == 0:
            return _Ranges(str(self), size)  # type: ignore[return-value]
        binary: IO[bytes] = io.BytesIO(self.read_bytes()) if size <= _SMALL else self._large(size)
        return binary if "b" in mode else io.TextIOWrapper(binary, encoding, errors, newline)

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        """Return the content as text."""
        return self.read_bytes().decode(encoding or "utf-8", errors or "strict")

    def resolve(self, strict: bool = False) -> RemotePath:
        """Return itself, as an address has no links and no folder to begin from."""
        return self

    def absolute(self) -> RemotePath:
        """Return itself."""
        return self

    def samefile(self, other_path: str | os.PathLike[str]) -> bool:
        """Say whether another address is the same."""
        return str(self) == str(path(os.fspath(other_path)))

    def mkdir(self, *_: Any, **__: Any) -> None:
        """Refuse, as all that writes does."""
        self._refuse()

    touch = unlink = rename = replace = rmdir = write_bytes = write_text = mkdir  # type: ignore[assignment]

    def _mode(self) -> int:
        try:
            return int(self.stat().st_mode)
        except FileNotFoundError:
            return 0

    def _large(self, size: int) -> IO[bytes]:
        return io.BufferedReader(_Ranges(str(self), size), _BLOCK)

    def _refuse(self) -> None:
        raise UserError(f"{self}: cannot be written to here; give a folder of this machine")


def is_address(text: str | os.PathLike[str]) -> bool:
    """Say whether a text, or a path that was made of one, is an address of a store."""
    return str(text).startswith(_ADDRESSES)


def path(text: str | os.PathLike[str]) -> Path:
    """Return the path that a text is: of this machine, or a ``RemotePath``."""
    return RemotePath(text) if is_address(text) else Path(text)


@contextlib.contextmanager
def here(path: Path) -> Iterator[Path]:
    """Give a file of this machine of the same name, for what opens files by itself."""
    if not isinstance(path, RemotePath):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        copy.write_bytes(path.read_bytes())
        yield copy


def bring_ahead(paths: Sequence[Path]) -> threading.Thread | None:
    """Begin to bring those that are at addresses into the cache, in their order; see ``cache``."""
    addresses = [str(path) for path in paths if isinstance(path, RemotePath)]
    return cache.bring_ahead(addresses) if addresses else None


_ADDRESSES = tuple(f"{scheme}:/" for scheme in access.SCHEMES)


class _Ranges(io.RawIOBase):
    """A file of a store, of which only the parts that are read are asked for."""

    def __init__(self, address: str, size: int) -> None:
        self._address, self._size, self._at = address, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = start + int(offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._size)
        if end <= self._at:
            return 0
        content = access.read(self._address, self._at, end)
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)
