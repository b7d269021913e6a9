"""``splits.json``: which locations train, validate and test.

    {"train": [["caltech", "13"], ...], "val": [...], "test": [...]}

A classifier's data have pairs [dataset, location].  ``read_locations`` also takes what a person
writes for ``--splits_json``: plain locations, and no "val"; a dataset in a pair is not looked at.

    {"train": ["site1", 2], "test": ["site3"]}

Locations are strings, whatever the source wrote: "013" is not 13, but 13 is "13".  A pair without
a location (null, or blank) is that of the crops whose table says ``unknown_location``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from database_tools.core import splits
from database_tools.core.errors import FormatError, shown
from database_tools.core.splits import TEST, TRAIN, VAL
from database_tools.durable import files

SPLITS = splits.ALL

Location = tuple[str, str]
Splits = Mapping[str, frozenset[Location]]


def read(path: Path) -> Splits:
    """Read a classifier's splits.

    Raises:
        FormatError: if a split is missing, an entry is no pair, or two splits share a location.
    """
    named = read_all(path)
    for location, parts in named.items():
        if len(parts) > 1:
            raise FormatError(path, " and ".join(parts[:2]), f"share the location {location}")
    return {
        name: frozenset(location for location, parts in named.items() if name in parts)
        for name in SPLITS
    }


def read_all(path: Path) -> dict[Location, tuple[str, ...]]:
    """Read location to the splits that name it: one, unless somebody made a mistake.

    Raises:
        FormatError: if a split is missing, or an entry is no pair.
    """
    named: dict[Location, tuple[str, ...]] = {}
    for split, place, dataset, location in _entries(path, SPLITS):
        if dataset is None:
            raise FormatError(path, place, f"expected [dataset, location], got {location!r}")
        before = named.get((dataset, location), ())
        named[dataset, location] = before if split in before else (*before, split)
    return named


def read_locations(path: Path) -> dict[str, str]:
    """Read location to ``train`` or ``test``; "val" counts as train.

    Raises:
        FormatError: if "train" or "test" is missing, an entry is no location, or a location is
            in both.
    """
    split_of: dict[str, str] = {}
    for name, _, _, location in _entries(path, (TRAIN, TEST)):
        split = TRAIN if name == VAL else name
        if split_of.setdefault(location, split) != split:
            rule = f'the location "{location}" is in "{TRAIN}" and "{TEST}"'
            raise FormatError(path, name, rule)
    return split_of


def _entries(path: Path, needed: Collection[str]) -> Iterator[tuple[str, str, str | None, str]]:
    """Yield (split, place in the file, dataset or None, location) for each entry."""
    table = files.read_json(path)
    if not isinstance(table, dict):
        raise FormatError(path, "top level", 'expected {"train": [...], ..., "test": [...]}')
    if missing := [name for name in needed if name not in table]:
        raise FormatError(path, "top level", f'no list "{missing[0]}"; its keys are {list(table)}')
    for name in SPLITS:
        entries = table.get(name, [])
        if not isinstance(entries, list):
            raise FormatError(path, name, f"expected a list of locations, got {shown(entries)}")
        for i, entry in enumerate(entries):
            place = f"{name}[{i}]"
            if isinstance(entry, list) and len(entry) == 2:
                location = splits.UNKNOWN if _is_none(entry[1]) else entry[1]
                yield name, place, _text(path, place, entry[0]), _text(path, place, location)
            else:
                yield name, place, None, _text(path, place, entry)


def _is_none(value: object) -> bool:
    return value is None or (isinstance(value, str) and splits.known(value) is None)


def _text(path: Path, place: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or _is_none(value):
        raise FormatError(path, place, f"expected a location, got {shown(value)}")
    return splits.text(value)


def write(path: Path, by_split: Splits) -> None:
    """Write the splits, each list sorted."""
    table = {name: [list(pair) for pair in sorted(by_split[name])] for name in SPLITS}
    files.write_json(path, table)
