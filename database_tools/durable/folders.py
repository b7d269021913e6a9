"""Output folders: whether one is ours, which of its files are, and emptying it of these.

A folder is ours once it has ``.build/folder.json``, which says what made it and of what.  Files
that no run of ours wrote are strangers, and stay: a run ends before it would touch one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from database_tools.core.errors import UserError
from database_tools.durable import disk, files

STATE = ".build"

IsOurs = Callable[[Path], bool]
"""Says whether a path, relative to the folder, is a file of ours."""


def check_claimable(folder: Path, made_by: str) -> None:
    """Raise UserError if a folder is neither this command's nor new nor empty; write nothing."""
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file, expected a folder to write to")
    if not _marker(folder).exists():
        check_no_strangers(folder, lambda path: False, ())
    if (other := known(folder).get("made_by", made_by)) != made_by:
        raise UserError(f"{folder}: {other} made it; choose another folder")


def mark(folder: Path, made_by: str, table: Mapping[str, Any]) -> None:
    """Make a folder ours for good, and note what we know of it.

    Raises:
        UserError: if it cannot be written.
    """
    try:
        files.write_json(_marker(folder), {"made_by": made_by, **table}, lasting=True)
        disk.sync(folder)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror}") from error


def is_ours(folder: Path) -> bool:
    """Say whether a folder was marked."""
    return _marker(folder).exists()


def known(folder: Path) -> dict[str, Any]:
    """Return what was noted of a folder; nothing if that cannot be read."""
    table = files.read_own(_marker(folder))
    return table if isinstance(table, dict) else {}


def check_no_strangers(folder: Path, is_ours: IsOurs, others: Collection[Path]) -> None:
    """Raise UserError if a folder, but for ``others`` in it, holds more than files of ours.

    Links to folders are strangers too: what is written below one lands elsewhere.
    """
    for path in paths(folder, others):
        name = path.relative_to(folder)
        # a link to a folder is none of ours, whatever it is called
        if (path.is_symlink() and path.is_dir()) or not is_ours(name):
            raise UserError(
                f"{folder}: holds {name}, which no run of this tool wrote; move it away, or "
                "choose another folder"
            )


def clear(folder: Path, ours: Collection[str]) -> None:
    """Delete files of a folder by their names, and folders that this leaves empty, for good."""
    emptied: set[Path] = set()
    for name in ours:
        (folder / name).unlink(missing_ok=True)
        emptied.update((folder / name).parents)
    for parent in sorted(emptied, key=lambda path: -len(path.parts)):
        if folder in parent.parents:
            with contextlib.suppress(OSError):  # it holds something else
                parent.rmdir()
    disk.sync_all(folder, [folder / name for name in ours])


def paths(folder: Path, others: Collection[Path] = ()) -> Iterator[Path]:
    """Yield the files below a folder, and links, but for our state and other folders."""
    state = folder / STATE
    if state.is_symlink():
        yield state
    skipped = {state.absolute(), *(other.absolute() for other in others)}
    for root, names, file_names in os.walk(folder):
        here = Path(root)
        names[:] = [name for name in names if (here / name).absolute() not in skipped]
        yield from (here / name for name in names if (here / name).is_symlink())
        yield from (here / name for name in file_names)


def _marker(folder: Path) -> Path:
    return folder / STATE / "folder.json"
