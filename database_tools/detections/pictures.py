"""The pictures that a user names: all of a folder, those of a list, or one.

=====================  ====================================================
``/path/to/images``    a folder: what lies in it, with ``recursive`` below it
``list.json``          ``["a.jpg", "/data/b.jpg", ...]``, as one would open them
``elk.jpg``            one picture
=====================  ====================================================
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import FormatError, UserError
from database_tools.core.names import PICTURE_ENDINGS, is_picture
from database_tools.durable import files, listing
from database_tools.remote import RemotePath


@dataclass(frozen=True)
class Pictures:
    """Pictures in listed order, each once, and names that came again; a list's may be absolute."""

    folder: Path
    names: tuple[str, ...]
    again: tuple[str, ...] = ()

    def as_given(self, name: str) -> str:
        """Return the path of a picture as the user would write it."""
        return (self.folder / name).as_posix() if self.folder != Path() else name


def named(path: Path, *, recursive: bool) -> Pictures:
    """Find the pictures that a path names; those of a folder are sorted.

    Raises:
        UserError: if there is none, or the path is neither folder, list nor picture.
        FormatError: if a list is not one of texts.
    """
    if path.is_dir():
        found = Pictures(path, tuple(sorted(_below(path) if recursive else _in(path))))
    elif not path.exists():
        raise UserError(f"{path}: no such folder, list or picture")
    elif path.suffix.lower() == ".json":
        found = _listed(path)
    elif _is_picture(path.name):
        found = Pictures(Path(), (path.as_posix(),))
    else:
        raise UserError(f"{path}: neither a folder, a .json list nor a picture {PICTURE_ENDINGS}")
    if not found.names:
        below = "" if recursive or not path.is_dir() else "; --recursive looks below it too"
        raise UserError(f"{path}: no picture in it ({' '.join(PICTURE_ENDINGS)}){below}")
    return found


def _is_picture(name: str) -> bool:
    # A Mac leaves ._a.jpg beside a.jpg, which is no picture.
    return is_picture(name) and not name.startswith(".")


def _in(folder: Path) -> Iterator[str]:
    yield from (name for name, _ in listing.entries(folder) if _is_picture(name))


def _below(folder: Path) -> Iterator[str]:
    """Yield what lies below a folder, links to folders followed, each folder once."""
    if isinstance(folder, RemotePath):
        for name in folder.below():
            if _is_picture(name.rpartition("/")[2]) and "/." not in f"/{name}":
                yield name
        return
    seen: set[str] = set()
    for here, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if (real := os.path.realpath(here)) in seen:
            folders.clear()
            continue
        seen.add(real)
        relative = Path(here).relative_to(folder)
        yield from ((relative / name).as_posix() for name in names if _is_picture(name))


def _listed(path: Path) -> Pictures:
    table = files.read_json(path)
    if not isinstance(table, list):
        raise FormatError(path, "top level", "expected a list of paths")
    for i, name in enumerate(table):
        if not isinstance(name, str):
            raise FormatError(path, f"[{i}]", f"expected a path, got {name!r}")
    names = [name.replace("\\", "/") for name in table]
    times = Counter(names)
    again = tuple(name for name, number in times.items() for _ in range(number - 1))
    return Pictures(Path(), tuple(times), again)
