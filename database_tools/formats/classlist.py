"""``classlist.txt``: one name a line, in the order of the classes; empty lines do not count.

``cropped_camera_trap_dataset_statistics.py --classlist_output`` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files


def read(path: Path) -> list[str]:
    """Read the names; raise UserError if there is no such file or no name in it."""
    # Not splitlines: a name may hold U+2028 and other characters that it takes for line ends.
    names = [line for line in files.read_text(path).split("\n") if line.strip()]
    if not names:
        raise FormatError(path, "", "the class list has no name")
    return names


def write(path: Path, names: Iterable[str]) -> None:
    """Write the names; raise UserError if one has a line break, which would make it two."""
    names = list(names)
    if wrong := [name for name in names if "\n" in name or "\r" in name or not name.strip()]:
        raise UserError(f"{path}: the class {wrong[0]!r} does not fit into a line")
    files.write_text(path, "\n".join(names))
