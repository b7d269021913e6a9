"""``demo_dataset.json``: what a folder was made with, so that making it again is safe.

    {"parameters": {"seed": 0, ...}, "finished": true, "files": ["boxes.json", ...]}

A file is listed before it is written.  What lies at a data set's places and is not listed
belongs to someone else and is an error; files of a data set with other parameters are deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files

NAME = "demo_dataset.json"
_FOLDERS = ("images", "crops")
_NAMES = (
    "image_level.json",
    "boxes.json",
    "classification_ds.csv",
    "label_index.json",
    "splits.json",
)


def read(output: Path) -> dict[str, Any] | None:
    """The manifest of a folder, None if it has none."""
    path = output / NAME
    if not path.exists():
        return None
    table = files.read_json(path)
    if not isinstance(table, dict) or not isinstance(table.get("files"), list):
        raise FormatError(path, "", "not a manifest of a demo data set")
    return table


def finished(output: Path, parameters: Mapping[str, object]) -> bool:
    """Whether ``output`` holds this data set already, with all its files."""
    table = read(output)
    if table is None or table.get("parameters") != parameters or not table.get("finished"):
        return False
    return all((output / name).exists() for name in table["files"])


def begin(output: Path, parameters: Mapping[str, object], names: Iterable[str]) -> None:
    """Make room in ``output`` for the files ``names`` of a data set.

    Raises:
        UserError: if a file is in the way that no manifest lists.
    """
    table = read(output) or {"parameters": None, "files": []}
    listed, present = set(table["files"]), _present(output)
    halves = {name for name in present if name.endswith(".tmp") and "/." in name}
    if strangers := present - listed - halves:
        raise UserError(
            f"{output / min(strangers)}: not made by this command; give another output folder"
        )
    same = table["parameters"] == parameters
    for name in halves if same else present:
        (output / name).unlink()
    _write(output, parameters, {*names, *(listed if same else ())}, finished=False)


def add(output: Path, names: Iterable[str]) -> None:
    """List further files of the data set in ``output``, which are not there yet."""
    table = read(output)
    if table is not None:
        _write(output, table["parameters"], {*names, *table["files"]}, finished=False)


def finish(output: Path) -> None:
    """Note that all files are there."""
    table = read(output)
    if table is not None:
        _write(output, table["parameters"], table["files"], finished=True)


def _present(output: Path) -> set[str]:
    """The files that lie at a data set's places."""
    below = (path for folder in _FOLDERS for path in (output / folder).rglob("*"))
    found = {path.relative_to(output).as_posix() for path in below if path.is_file()}
    return found | {name for name in _NAMES if (output / name).exists()}


def _write(
    output: Path, parameters: Mapping[str, object], names: Iterable[str], *, finished: bool
) -> None:
    table = {"parameters": parameters, "finished": finished, "files": sorted(names)}
    files.write_json(output / NAME, table)
