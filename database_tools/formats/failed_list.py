"""Names of pictures in what a run left of its failures.

=====================================  =====================================================
file                                   names
=====================================  =====================================================
``*_ledger.json``                      of the pictures that could not be read or cut, or of
                                       the reasons that the user names
another object, as an original's log   in its lists, or in those whose keys the user names
a list                                 in it
no ``.json`` in its name               on its lines
=====================================  =====================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from database_tools.core import reasons
from database_tools.core.errors import FormatError
from database_tools.durable import files

_READ_OR_CUT = reasons.READING | reasons.CROPS


def read(path: Path, keys: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names in the lists of these keys, or the usual ones, sorted, each once."""
    if ".json" not in path.name:
        return _sorted(line.rstrip("\r") for line in files.read_text(path).split("\n"))
    table = files.read_json(path)
    if isinstance(table, list):
        return _sorted(_checked(path, "top level", table))
    if not isinstance(table, dict):
        raise FormatError(path, "top level", "expected a list of names or an object with such")
    lists = _lists(table)
    if unknown := [key for key in keys if key not in lists]:
        rule = f"no list {unknown[0]!r}; there are {', '.join(map(repr, lists)) or 'none'}"
        raise FormatError(path, "top level", rule)
    wanted = keys or _usual(table, lists)
    return _sorted(name for key in wanted for name in _checked(path, key, lists[key]))


def _lists(table: Mapping[str, Any]) -> dict[str, list[Any]]:
    dropped = table.get("dropped")
    members = dropped if isinstance(dropped, dict) else table
    return {key: value for key, value in members.items() if isinstance(value, list)}


def _usual(table: Mapping[str, Any], lists: Mapping[str, Any]) -> list[str]:
    is_ledger = isinstance(table.get("dropped"), dict)
    return [key for key in lists if not is_ledger or key in _READ_OR_CUT]


def _checked(path: Path, place: str, names: list[Any]) -> list[str]:
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise FormatError(path, place, f"expected names of pictures, got {wrong[0]!r}")
    return names


def _sorted(names: Any) -> tuple[str, ...]:
    return tuple(sorted({name for name in names if name}))
