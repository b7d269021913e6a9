"""``crop_locations.json``: where the cameras of a COCO-style dataset's crops stood.

    {"site1": [0, 1, 5], "site2": [2, 3, 4]}

Ids are those of the images of ``train.json`` and ``test.json``, which say nothing of places; a
trainer needs them to split off a validation part.  Locations are texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.durable import files

NAME = "crop_locations.json"


def write(folder: Path, locations: Iterable[tuple[int, str]]) -> None:
    """Write the location of each crop's id, in the order of the ids."""
    table: dict[str, list[int]] = {}
    for number, location in locations:
        table.setdefault(location, []).append(number)
    files.write_json(folder / NAME, table, indent=None)


def read(folder: Path) -> dict[int, str]:
    """Read id to location; raise FormatError if an id is there twice or is no number."""
    path = folder / NAME
    table = files.read_json(path)
    if not isinstance(table, dict):
        raise FormatError(path, "top level", 'expected an object like {"site1": [0, 1]}')
    found: dict[int, str] = {}
    for location, numbers in table.items():
        for number in numbers if isinstance(numbers, list) else [numbers]:
            if type(number) is not int or number in found:
                rule = "is at two places" if number in found else "is no id of a crop"
                raise FormatError(path, repr(location), f"{number!r} {rule}")
            found[number] = location
    return found
