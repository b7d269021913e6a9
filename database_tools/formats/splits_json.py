"""``splits.json``: which (dataset, location) belongs to which split of a classifier's data.

    {"train": [["caltech", "13"], ...], "val": [...], "test": [...]}

Locations are strings, whatever the source wrote: "013" is not 13, but 13 is "13".
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.durable import files

SPLITS = ("train", "val", "test")

Location = tuple[str, str]
Splits = Mapping[str, frozenset[Location]]


def read(path: Path) -> Splits:
    """Read the splits; raise FormatError if one is missing or two share a location."""
    table = files.read_json(path)
    if not isinstance(table, dict):
        raise FormatError(path, "top level", f"expected an object with the splits {SPLITS}")
    if missing := [name for name in SPLITS if name not in table]:
        raise FormatError(path, "top level", f"no split {missing[0]!r}; it has {sorted(table)}")
    splits = {name: frozenset(_locations(path, name, table[name])) for name in SPLITS}
    for first, second in combinations(SPLITS, 2):
        if shared := splits[first] & splits[second]:
            raise FormatError(path, f"{first} and {second}", f"share the location {min(shared)}")
    return splits


def _locations(path: Path, split: str, entries: object) -> list[Location]:
    if not isinstance(entries, list):
        raise FormatError(path, split, f"expected a list of [dataset, location], got {entries!r}")
    for i, entry in enumerate(entries):
        if not (isinstance(entry, list) and len(entry) == 2):
            raise FormatError(path, f"{split}[{i}]", f"expected [dataset, location], got {entry!r}")
    return [(str(dataset), str(location)) for dataset, location in entries]


def write(path: Path, splits: Splits) -> None:
    """Write the splits, each list sorted."""
    files.write_json(path, {name: [list(pair) for pair in sorted(splits[name])] for name in SPLITS})
