"""One output folder: whether it is ours, which of its files are, and emptying it of these.

A folder is ours once it has ``.build/folder.json``; it also says what the folder was built from
and whether it holds crops.  Files that no run of ours wrote are strangers, and stay.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from database_tools.core.errors import UserError
from database_tools.datasets import shards
from database_tools.detections.detection_files import JSON, PICKLE
from database_tools.durable import files
from database_tools.formats import dataset_info, ledger_json

STATE = ".build"
STAGE = "make_classification_dataset"
LABEL_MAP, PREVIEW = "label_map.pbtxt", "preview.html"
TRAIN_JSON, TEST_JSON = "train.json", "test.json"

DETECTIONS = frozenset({PICKLE, JSON})
"""Never deleted: they may be an input of the very run that rebuilds the rest."""

FILES = DETECTIONS | {
    TRAIN_JSON,
    TEST_JSON,
    LABEL_MAP,
    PREVIEW,
    dataset_info.NAME,
    ledger_json.path_in(Path(), STAGE).name,
}
"""Files of ours in the root of an output folder, besides shards."""


def claim(folder: Path) -> None:
    """Make a new or empty folder ours.

    Raises:
        UserError: if it holds files of strangers, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file, expected a folder to write to")
    if not _marker(folder).exists():
        if stranger := next(_files(folder, ()), None):
            raise _stranger(folder, stranger)
        try:
            mark(folder, {})
        except OSError as error:
            raise UserError(f"cannot write {folder}: {error.strerror}") from error


def mark(folder: Path, table: Mapping[str, Any]) -> None:
    """Write ``folder.json``: the folder is ours, and what we know of it."""
    files.write_json(_marker(folder), {"made_by": f"{STAGE}.py", **table})


def known(folder: Path) -> dict[str, Any]:
    """Read what ``mark`` wrote."""
    table: dict[str, Any] = files.read_json(_marker(folder))
    return table


def check_no_strangers(folder: Path, crops: Collection[str], others: Collection[Path]) -> None:
    """Raise UserError if the folder holds a file that is not ours.

    Args:
        folder: to look at.
        crops: files of crops that are ours, relative to it.
        others: output folders that may lie within it, which are not looked at.
    """
    for path in _files(folder, others):
        if not _is_ours(path, folder, crops):
            raise _stranger(folder, path)


def clear(folder: Path, crops: Collection[str]) -> None:
    """Delete our files, but for detections, and the folders that this leaves empty."""
    emptied: set[Path] = set()
    for name in crops:
        (folder / name).unlink(missing_ok=True)
        emptied.update((folder / name).parents)
    for name in [path.name for path in folder.iterdir()]:
        if name in FILES - DETECTIONS or shards.is_name(name):
            (folder / name).unlink()
    files.remove_leftovers(folder)
    for parent in sorted(emptied, key=lambda path: -len(path.parts)):
        if folder in parent.parents:
            with contextlib.suppress(OSError):  # it holds something else
                parent.rmdir()


def _marker(folder: Path) -> Path:
    return folder / STATE / "folder.json"


def _files(folder: Path, others: Collection[Path]) -> Iterator[Path]:
    """Yield the files below a folder, but for our state and the other output folders."""
    skipped = {(folder / STATE).absolute(), *(other.absolute() for other in others)}
    for root, folders, names in os.walk(folder):
        here = Path(root)
        folders[:] = [name for name in folders if (here / name).absolute() not in skipped]
        yield from (here / name for name in names)


def _is_ours(path: Path, folder: Path, crops: Collection[str]) -> bool:
    if files.is_leftover(path.name):
        return True
    if path.parent == folder and (path.name in FILES or shards.is_name(path.name)):
        return True
    return path.relative_to(folder).as_posix() in crops


def _stranger(folder: Path, path: Path) -> UserError:
    return UserError(
        f"{folder}: holds {path.relative_to(folder)}, which no run of this tool wrote; move it "
        "away, or choose another folder"
    )
