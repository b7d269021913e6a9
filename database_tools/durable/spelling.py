"""Finds files whose names a list spells otherwise than the disk: in Unicode's form, or in case."""

from __future__ import annotations

import os
from pathlib import Path

from database_tools import remote
from database_tools.core import names


def locate(path: str | Path) -> Path:
    """Return the path in the spelling in which the disk has it, itself if it has it in none.

    Each folder and the file are tried as written, then in NFC, then in NFD.
    """
    path = remote.path(path)
    if str(path).isascii() or os.path.lexists(path):
        return path
    if isinstance(path, remote.RemotePath):
        spelled = map(remote.path, names.spellings(str(path)))
        return next((other for other in spelled if other.exists()), path)
    return _spelled(Path(path.anchor), path.relative_to(path.anchor).parts) or path


def _spelled(here: Path, parts: tuple[str, ...]) -> Path | None:
    if not parts:
        return here
    for part in names.spellings(parts[0]):
        if os.path.lexists(here / part) and (found := _spelled(here / part, parts[1:])):
            return found
    return None


def other_case(folder: Path, name: str) -> str | None:
    """Return what a file is called below a folder whose name differs from this one in case only.

    For hints: each folder on the way is listed.  None if there is none.
    """
    found: list[str] = []
    for part in name.split("/"):
        wanted = names.key(part).casefold()
        try:
            there = [path.name for path in folder.joinpath(*found).iterdir()]
        except (OSError, ValueError):
            return None
        alike = sorted(n for n in there if names.key(n).casefold() == wanted)
        if not alike:
            return None
        found.append(part if part in alike else alike[0])
    return None if "/".join(found) == name else "/".join(found)


def same_file(first: str | Path, second: str | Path) -> bool:
    """Say whether two paths, which may differ in spelling, lead to one file that is there."""
    try:
        return locate(first).samefile(locate(second))
    except (OSError, ValueError):
        return False
