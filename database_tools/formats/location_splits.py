"""``--splits_json``: which locations train and which test, said by the user.

    {"train": ["site1", 2], "test": ["site3"]}

or a classifier's ``splits.json``, whose entries are pairs [dataset, location]; the dataset is not
looked at.  A list "val", in either, counts as train.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from database_tools.core.errors import FormatError
from database_tools.core.location_split import TEST, TRAIN
from database_tools.durable import files

_COUNTS_AS = {"train": TRAIN, "val": TRAIN, "test": TEST}


def read(path: Path) -> dict[str, str]:
    """Read location, as text, to split.

    Raises:
        FormatError: if "train" or "test" is missing, an entry is no location, or a location is
            in both.
    """
    table = files.read_json(path)
    if not isinstance(table, dict):
        raise FormatError(path, "top level", 'expected {"train": [location ...], "test": [...]}')
    if missing := [name for name in (TRAIN, TEST) if name not in table]:
        raise FormatError(path, "top level", f'no list "{missing[0]}"; its keys are {list(table)}')
    splits: dict[str, str] = {}
    for name, split in _COUNTS_AS.items():
        for location in _locations(path, name, table.get(name, [])):
            if splits.setdefault(location, split) != split:
                rule = f'the location "{location}" is in "{TRAIN}" and "{TEST}"'
                raise FormatError(path, name, rule)
    return splits


def _locations(path: Path, name: str, entries: Any) -> list[str]:
    if not isinstance(entries, list):
        raise FormatError(path, name, f"expected a list of locations, got {entries!r}")
    locations = []
    for i, entry in enumerate(entries):
        pair = isinstance(entry, list) and len(entry) == 2
        location = entry[1] if pair else entry
        if isinstance(location, float) and location.is_integer():
            location = int(location)
        if isinstance(location, bool) or not isinstance(location, int | float | str):
            raise FormatError(path, f"{name}[{i}]", f"expected a location, got {entry!r}")
        locations.append(str(location))
    return locations
