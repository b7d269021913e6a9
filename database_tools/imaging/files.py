"""Reads the file of a picture: in whatever Unicode form its name is, and nothing that blocks."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from database_tools.core import reasons
from database_tools.core.reasons import MAX_PIXELS
from database_tools.durable import spelling
from database_tools.remote import RemotePath

_BYTES_PER_PIXEL, _BYTES_BESIDE = 8, 2**26


class UnreadableImage(Exception):  # noqa: N818 - it is a state of the file, not a fault
    """A picture that cannot be used, for one of ``reasons.READING``."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def read(path: str | Path, max_pixels: int = MAX_PIXELS) -> bytes:
    """Read the file of a picture, unless it is too long for one of ``max_pixels``.

    Raises:
        UnreadableImage: if there is no such file, it is a folder, a pipe, a socket or a device,
            has no content, is far too long, or the system refuses.
    """
    most = _BYTES_PER_PIXEL * max_pixels + _BYTES_BESIDE
    found = spelling.locate(path)
    try:
        if isinstance(found, RemotePath):
            content = _fetched(found, most)
        else:
            with open(found, "rb", opener=_open_file) as file:
                if os.fstat(file.fileno()).st_size > most:
                    raise UnreadableImage(reasons.TOO_LARGE)
                content = file.read()
    except (FileNotFoundError, NotADirectoryError):
        raise UnreadableImage(reasons.MISSING) from None
    except (OSError, ValueError):  # no permission, a bad disk block, a name that cannot be
        raise UnreadableImage(reasons.UNREADABLE) from None
    if not content:
        raise UnreadableImage(reasons.EMPTY)
    return content


def _fetched(path: RemotePath, most: int) -> bytes:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage(reasons.NOT_AN_IMAGE)
    if status.st_size > most:
        raise UnreadableImage(reasons.TOO_LARGE)
    return path.read_bytes()


def _open_file(path: str, flags: int) -> int:
    # Looked at first: to open a device may do something.
    if not stat.S_ISREG(Path(path).stat().st_mode):
        raise UnreadableImage(reasons.NOT_AN_IMAGE)
    # Nor does it wait if a pipe has taken the file's place meanwhile.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
