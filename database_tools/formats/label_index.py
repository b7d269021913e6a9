"""``label_index.json``: the order of a classifier's labels.

    {"0": "cat", "1": "cervid"}

Keys are the decimal strings 0 to n-1, as JSON has no other keys; values are distinct names.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.durable import files


def read(path: Path) -> tuple[str, ...]:
    """Read the names in their order; raise FormatError if a number is missing or a name twice."""
    table = files.read_json(path)
    if not isinstance(table, dict) or not table:
        raise FormatError(path, "top level", 'expected an object like {"0": "cat"}')
    names = []
    for i in range(len(table)):
        if not isinstance(name := table.get(str(i)), str):
            raise FormatError(path, f'"{i}"', f"no name; {len(table)} labels need 0 to n-1")
        if name in names:
            raise FormatError(path, f'"{i}"', f"the name {name!r} is there twice")
        names.append(name)
    return tuple(names)


def write(path: Path, names: Sequence[str]) -> None:
    """Write ``names`` in their order."""
    files.write_json(path, {str(i): name for i, name in enumerate(names)})
