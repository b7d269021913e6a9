"""``demo_dataset.json``: what a folder was made with, so that making it again is safe.

    {"parameters": {"seed": 0, ...}, "finished": true, "files": ["images/loc000/...jpg", ...]}

It is written before the first picture.  Whatever lies where the pictures are and is not in its
list belongs to someone else and is an error; files of an earlier, other data set are deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from database_tools.core.errors import FormatError, UserError
from database_tools.formats import files

NAME = "demo_dataset.json"


def read(output: Path) -> dict[str, Any] | None:
    """The manifest of a folder, None if it has none."""
    path = output / NAME
    if not path.exists():
        return None
    table = files.read_json(path)
    if not isinstance(table, dict) or not isinstance(table.get("files"), list):
        raise FormatError(path, "", "not a manifest of a demo data set")
    return table


def finished(output: Path, parameters: Mapping[str, object], names: Sequence[str]) -> bool:
    """Whether ``output`` holds this data set already, with all its files."""
    table = read(output)
    if table is None or table.get("parameters") != parameters or not table.get("finished"):
        return False
    return all((output / name).exists() for name in (*names, *table["files"]))


def begin(
    output: Path, folder: str, parameters: Mapping[str, object], names: Sequence[str]
) -> None:
    """Make room in ``output`` for the files ``names``.

    Args:
        output: the data set's folder.
        folder: the folder in it that must hold nothing else.
        parameters: what the files are made with.
        names: the files, relative to ``output``.

    Raises:
        UserError: if a file is in the way that no data set's manifest lists.
    """
    table = read(output) or {"parameters": None, "files": []}
    listed = {str(name) for name in table["files"]}
    present = {
        p.relative_to(output).as_posix() for p in (output / folder).rglob("*") if p.is_file()
    }
    present |= {name for name in names if (output / name).exists()}
    temporary = {name for name in present if name.endswith(".tmp") and "/." in name}
    if strangers := present - listed - temporary:
        raise UserError(
            f"{output / min(strangers)}: not made by this command; give another output folder"
        )
    stale = present if table["parameters"] != parameters else temporary
    for name in stale:
        (output / name).unlink()
    _write(output, parameters, names, done=False)


def finish(output: Path) -> None:
    """Note that all files are there."""
    table = read(output)
    if table is not None:
        _write(output, table["parameters"], table["files"], done=True)


def _write(
    output: Path, parameters: Mapping[str, object], names: Sequence[str], *, done: bool
) -> None:
    table = {"parameters": parameters, "finished": done, "files": list(names)}
    files.write_json(output / NAME, table)
