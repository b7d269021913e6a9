"""Whole files or none: write beside, then rename.

A reader, or a run after a kill, sees the old file or the new one, never half of either.  After a
power cut too, if it was written with ``lasting``: the content is on the disk before the name is.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import shutil
import socket
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from database_tools.core import json_text
from database_tools.core.errors import FormatError, UserError
from database_tools.core.json_text import JsonError
from database_tools.durable import disk

_DISK_REFUSES = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS),
    *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST),  # a file where a folder is wanted, or the reverse
    *(errno.ENAMETOOLONG, errno.ELOOP),
)


def _host() -> str:
    """Name whose processes have the numbers that are known here: this machine's, or container's."""
    try:  # containers on the network of their machine have its name
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        space = ""
    return f"{zlib.crc32((socket.gethostname() + space).encode()):08x}"


_HOST = _host()
_NEIGHBOUR = re.compile(rf"^\..*\.{_HOST}-(\d+)-\d+\.tmp$")
_SWEPT: set[Path] = set()
_DEVICES = Path("/dev")
_LONE_SURROGATES = re.compile("[\ud800-\udfff]")


@contextlib.contextmanager
def replacing(path: Path, *, lasting: bool = False) -> Iterator[Path]:
    """Give a temporary neighbour of ``path`` to write to; rename it to ``path`` at the end.

    The folder is made if need be.  When the block raises, the neighbour is removed and
    ``path`` stays as it was; those of killed processes go when the next one writes there.

    Raises:
        UserError: if the folder cannot be written or the disk is full, or ``path`` is a device.
    """
    temporary = neighbour(path)
    try:
        with writing_below(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            refuse_device(path)
            remove_of_the_dead(path.parent)
            yield temporary
            if lasting:
                disk.sync(temporary)
            temporary.replace(path)
            if lasting:
                disk.sync(path.parent)
    finally:
        with contextlib.suppress(OSError):  # its folder may be a file
            temporary.unlink(missing_ok=True)


def refuse_device(path: Path) -> None:
    """Raise UserError for a device or a pipe: to rename to ``/dev/null`` would end it."""
    # Where stdout goes to a file, /dev/stdout is one too, by a link that would be replaced.
    is_device = path.exists() and not (path.is_file() or path.is_dir())
    if is_device or path.parent == _DEVICES:
        raise UserError(f"cannot write {path}: a device or a pipe, expected a file")


def neighbour(path: Path) -> Path:
    """Name a temporary neighbour of ``path`` that nobody else writes to."""
    # Host, process and thread keep writers apart; 40 characters, as a name has 255 bytes at most.
    writer = f"{_HOST}-{os.getpid()}-{threading.get_native_id()}"
    return path.with_name(f".{path.name[:40]}.{writer}.tmp")


def remove_of_the_dead(folder: Path) -> None:
    """Delete what killed processes of this machine left in a folder; looked for once each."""
    if folder in _SWEPT or os.name != "posix":
        return
    _SWEPT.add(folder)
    for path in folder.glob(".*.tmp"):  # which finds nothing where nobody may look
        writer = _NEIGHBOUR.search(path.name)
        if not writer or _lives(int(writer[1])):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):  # another user's, in a folder like /tmp
                path.unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


@contextlib.contextmanager
def writing_below(path: Path) -> Iterator[None]:
    """Say in one line when the block cannot write to ``path``, or what is below it.

    Raises:
        UserError: if the disk is full or refuses; other errors pass.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_REFUSES or (error.errno == errno.ENOENT and _is_ours(error, path)):
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        raise


def make_folder(folder: Path) -> None:
    """Make a folder if need be; raise UserError if that cannot be."""
    with writing_below(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _is_ours(error: OSError, path: Path) -> bool:
    """Say whether what was not there is what is written, as in a folder that went meanwhile."""
    named = Path(os.fsdecode(error.filename or ""))
    return named in path.parents or is_leftover(named.name)


@contextlib.contextmanager
def writing(path: Path, errors: str = "replace") -> Iterator[IO[str]]:
    """Give a stream of UTF-8 to write to; the file appears at the end of the block, or not at all.

    Halves of surrogate pairs, which names that are no text have, become ``?``.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors=errors, newline="") as stream,
    ):
        yield stream


def write_bytes(path: Path, content: bytes, *, lasting: bool = False) -> None:
    """Write ``content`` to ``path``, whole or not at all."""
    with replacing(path, lasting=lasting) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as ``writing`` does, with the line ends that it has."""
    with writing(path) as stream:
        stream.write(text)


def write_json(path: Path, value: object, indent: int | None = 1, *, lasting: bool = False) -> None:
    """Write ``value`` as JSON in UTF-8, without NaN, which JSON does not have."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    text = escape_surrogates(text if indent is None else f"{text}\n")
    write_bytes(path, text.encode("utf-8"), lasting=lasting)


def escape_surrogates(text: str) -> str:
    r"""Spell halves of surrogate pairs as JSON does, ``\udce9``: UTF-8 has no bytes for them.

    Names that are no text, as ``caf\xe9.jpg`` in Latin-1, have such halves in Python.
    """
    if text.isascii():
        return text
    return _LONE_SURROGATES.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def opened(path: Path) -> io.BufferedReader:
    """Open a file that a user named; raise UserError if it is not there or not to be read."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, expected a file") from None
    except OSError as error:
        raise UserError(f"{path}: {(error.strerror or '').lower()}") from None


def read_text(path: Path) -> str:
    """Read a text in UTF-8 whole; a byte order mark is not part of it.

    Raises:
        UserError: as ``opened``.
        FormatError: if it is not UTF-8.
    """
    try:
        with io.TextIOWrapper(opened(path), encoding="utf-8-sig") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise FormatError(path, f"byte {error.start}", "not UTF-8 text") from None


def read_json(path: Path) -> Any:
    """Read a JSON file whole; a byte order mark is tolerated.

    Raises:
        UserError: if there is no such file.
        FormatError: if it is not JSON in UTF-8, or JSON of a depth or number beyond Python's.
    """
    text = read_text(path)
    try:
        return json_text.loads(text)
    except JsonError as error:
        raise FormatError(path, error.place, error.rule) from None


def read_own(path: Path) -> Any:
    """Read a JSON file that a program keeps for itself; None if it is gone, torn or noise."""
    try:
        return read_json(path)
    except (UserError, OSError, ValueError, RecursionError):
        return None


def sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file's content; raise UserError if there is no such file."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_leftover(name: str) -> bool:
    """Say whether a file of this name is a temporary neighbour that a killed run left."""
    return name.startswith(".") and name.endswith(".tmp")


def remove_leftovers(folder: Path) -> None:
    """Delete the temporary neighbours in a folder; only when nobody else writes there."""
    if folder.is_dir():
        for path in folder.iterdir():
            if is_leftover(path.name):
                path.unlink(missing_ok=True)
