"""COCO Camera Traps: pictures and image-level labels, read into columns.

    {"info": {"version": "1.0", "description": "..."},
     "categories": [{"id": 0, "name": "empty"}, {"id": 7, "name": "red fox"}],
     "images": [{"id": "a", "file_name": "site1/a.jpg", "location": "site1", "seq_id": "s1"}],
     "annotations": [{"id": "x", "image_id": "a", "category_id": 7}]}

Boxes, sizes and all other keys are ignored.  Tolerated: a byte order mark, bare NaN (counts as
absent), whole numbers written as 3.0, ``annotation`` for ``annotations``, members in any order.
An error: ids that occur twice, an annotation of a category that is not listed, other types.

Source: https://lila.science/coco-camera-traps
"""

from __future__ import annotations

import logging
import math
import random
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

from database_tools.core.annotations import SEVERAL, UNLABELED, Annotations, ImageId, Location
from database_tools.core.errors import FormatError
from database_tools.formats import json_stream

log = logging.getLogger(__name__)


def read(path: Path, location_key: str = "location") -> Annotations:
    """Read a dataset; ``location_key`` names the images' key that says where a camera stood.

    Raises:
        UserError: if there is no such file.
        FormatError: with the place and the rule that the file breaks.
    """
    reader = _Reader(path, location_key)
    present: set[str] = set()
    take: dict[str, Callable[[int, Any], None]] = {
        "categories": reader.category,
        "images": reader.image,
        "annotations": reader.annotation,
        "annotation": reader.annotation,
    }
    for key, position, value in json_stream.members(path):
        if key not in take:
            continue
        if position is not None:
            take[key](position, value)
        elif value != []:
            raise FormatError(path, f'"{key}"', f"expected a list, got {_shown(value)}")
        else:
            present.add(key)
    _check_members(path, present)
    return reader.close()


def _check_members(path: Path, present: set[str]) -> None:
    if {"annotation", "annotations"} <= present:
        raise FormatError(path, "top level", 'both "annotation" and "annotations"')
    if "annotation" in present:
        log.warning('%s: reading "annotation" as "annotations"', path)
        present.add("annotations")
    for key in ("images", "annotations", "categories"):
        if key not in present:
            raise FormatError(path, "top level", f'no list "{key}"')


class _Reader:
    """Collects columns in the order of the file; ``close`` sorts and joins them."""

    def __init__(self, path: Path, location_key: str) -> None:
        self._path = path
        self._location_key = location_key
        self._categories: dict[ImageId, str] = {}
        self._positions: dict[ImageId, int] = {}
        self._files: list[str] = []
        self._locations: list[Location | None] = []
        self._sequences: list[str] = []
        # One object for each distinct location or category id, however often it occurs.
        self._shared: dict[tuple[type, Location], Location] = {}
        self._labeled: list[ImageId] = []
        self._labels: list[ImageId] = []
        self._keys: dict[str, None] = {}
        self._example: dict[str, Any] = {}
        self._random = random.Random(0)

    def category(self, position: int, entry: object) -> None:
        """Take an element of ``categories``."""
        place = f"categories[{position}]"
        table = self._object(place, entry)
        number = self._id(place, table, "id")
        name = self._text(place, table, "name")
        if number in self._categories:
            raise self._error(place, f"the category id {number!r} is there twice")
        if name in self._categories.values():
            raise self._error(place, f"the category name {name!r} is there twice")
        if not name.strip():
            raise self._error(place, "the name is blank")
        self._categories[number] = name

    def image(self, position: int, entry: object) -> None:
        """Take an element of ``images``."""
        place = f"images[{position}]"
        table = self._object(place, entry)
        number = self._id(place, table, "id")
        file = self._text(place, table, "file_name")
        if number in self._positions:
            raise self._error(f'{place} ("{file}")', f"the image id {number!r} is there twice")
        self._positions[number] = position
        self._files.append(file)
        self._locations.append(self._location(f'{place} ("{file}")', table))
        sequence = _plain(table.get("seq_id"))
        self._sequences.append("" if sequence is None else str(sequence))
        self._keys.update(dict.fromkeys(table))
        # Each image so far has the same chance to be the example.
        if self._random.randrange(position + 1) == 0:
            self._example = table

    def annotation(self, position: int, entry: object) -> None:
        """Take an element of ``annotations``."""
        place = f"annotations[{position}]"
        table = self._object(place, entry)
        self._labeled.append(self._share(self._id(place, table, "image_id")))
        self._labels.append(self._share(self._id(place, table, "category_id")))

    def close(self) -> Annotations:
        """Join the labels to the images and sort both by the images' ids."""
        classes, unlisted = self._join()
        kinds = {type(number) for number in self._positions}
        if len(kinds) > 1:
            raise self._error("images", "some ids are numbers and some are texts")
        ids = sorted(self._positions)
        order = [self._positions[number] for number in ids]
        return Annotations(
            tuple(self._categories.values()),
            ids,
            [self._files[i] for i in order],
            [self._locations[i] for i in order],
            [self._sequences[i] for i in order],
            array("i", (classes[i] for i in order)),
            tuple(map(str, unlisted)),
            tuple(self._keys),
            self._example,
        )

    def _join(self) -> tuple[array[int], list[ImageId]]:
        class_ids = {number: i for i, number in enumerate(self._categories)}
        classes = array("i", [UNLABELED]) * len(self._files)
        unlisted: dict[ImageId, None] = {}
        for i, (image, category) in enumerate(zip(self._labeled, self._labels, strict=True)):
            if category not in class_ids:
                rule = f"no category has the id {category!r}"
                raise self._error(f"annotations[{i}]", rule)
            position = self._positions.get(image)
            if position is None:
                unlisted[image] = None
            elif classes[position] == UNLABELED:
                classes[position] = class_ids[category]
            elif classes[position] != class_ids[category]:
                classes[position] = SEVERAL
        if unlisted and len(unlisted) == len(set(self._labeled)):
            first = next(iter(unlisted))
            rule = f"no image has the image_id {first!r}, nor that of any other annotation"
            raise self._error("annotations[0]", rule)
        return classes, list(unlisted)

    def _share(self, value: Any) -> Any:
        return self._shared.setdefault((type(value), value), value)

    def _object(self, place: str, entry: object) -> dict[str, Any]:
        if not isinstance(entry, dict):
            raise self._error(place, f"expected an object, got {_shown(entry)}")
        return entry

    def _id(self, place: str, table: dict[str, Any], key: str) -> ImageId:
        value = _plain(self._get(place, table, key))
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self._error(
                place, f'"{key}" must be a whole number or a text, got {_shown(value)}'
            )
        return value

    def _text(self, place: str, table: dict[str, Any], key: str) -> str:
        value = self._get(place, table, key)
        if not isinstance(value, str):
            raise self._error(place, f'"{key}" must be a text, got {_shown(value)}')
        return value

    def _location(self, place: str, table: dict[str, Any]) -> Location | None:
        value = _plain(table.get(self._location_key))
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            rule = f'"{self._location_key}" must be a number or a text, got {_shown(value)}'
            raise self._error(place, rule)
        location: Location = self._share(value)
        return location

    def _get(self, place: str, table: dict[str, Any], key: str) -> Any:
        if key not in table:
            rule = f'no key "{key}"; its keys are {", ".join(map(str, table)) or "none"}'
            raise self._error(place, rule)
        return table[key]

    def _error(self, place: str, rule: str) -> FormatError:
        return FormatError(self._path, place, rule)


def _plain(value: Any) -> Any:
    """Return None for NaN, and 3 for 3.0: tables with gaps turn whole numbers into these."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if value.is_integer():
            return int(value)
    return value


def _shown(value: object) -> str:
    """Show a value, shortened, for an error."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
