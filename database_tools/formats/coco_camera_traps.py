"""COCO Camera Traps: pictures and what people noted of them, read once, as rows or as columns.

    {"info": {"version": "1.0", "description": "..."},
     "categories": [{"id": 0, "name": "empty"}, {"id": 7, "name": "red fox"}],
     "images": [{"id": "a", "file_name": "site1/a.jpg", "location": "site1", "width": 2048,
                 "height": 1536, "datetime": "2021-05-01 03:44:54", "seq_id": "s1",
                 "seq_num_frames": 3, "frame_num": 0}],
     "annotations": [{"id": "x", "image_id": "a", "category_id": 7, "bbox": [10, 20, 300, 200],
                      "sequence_level_annotation": false}]}

``rows`` yields all of it as it comes, for a database; ``read`` keeps what a build needs, and of
boxes, sizes and times not even whether they are right.  Tolerated: a byte order mark, bare NaN
(counts as absent), whole numbers written as 3.0, ``annotation`` for ``annotations``, members in
any order, a blank location (is none).  An error: ids that occur twice, an annotation of a category
that is not listed, other types.

Source: https://lila.science/coco-camera-traps
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

from database_tools.core import splits
from database_tools.core.annotations import SEVERAL, UNLABELED, Annotations, ImageId, Location
from database_tools.core.errors import FormatError, shown
from database_tools.formats import coco
from database_tools.formats.coco import Box, Entry


class Category(NamedTuple):
    """An element of ``categories``."""

    id: ImageId
    name: str


class Image(NamedTuple):
    """An element of ``images``; None where it does not say.

    Attributes:
        file_name: path below the folder of pictures, as the file has it.
        location: where the camera stood, as the file has it: 13, "013"; never blank.
        seq_id: of its burst, as text.
        seq_num_frames: pictures in its burst.
        frame_num: its number in the burst, from 0.
        datetime: when it was taken, in the writer's words.
        corrupt: whether the file is known to be broken.
    """

    id: ImageId
    file_name: str
    location: Location | None
    seq_id: str | None
    seq_num_frames: int | None
    frame_num: int | None
    datetime: str | None
    width: int | None
    height: int | None
    corrupt: bool | None
    rights_holder: str | None


class Annotation(NamedTuple):
    """An element of ``annotations``; None where it does not say.

    Attributes:
        sequence_level: whether somebody looked at the burst, not at this picture.
        individuals: ``count``; Snapshot Serengeti has also "11-50".
        bbox: (x, y, width, height) in pixels of the picture.
        bbox_relative: the same in [0, 1].
    """

    id: ImageId | None
    image_id: ImageId
    category_id: ImageId
    sequence_level: bool | None
    individuals: int | str | None
    bbox: Box | None
    bbox_relative: Box | None


def rows(path: Path, location_key: str = "location") -> Iterator[Category | Image | Annotation]:
    """Yield every category, image and annotation in the order of the file.

    What only the whole file shows is not looked at: ids that occur twice, or belong to nothing.
    """
    make = {"categories": Category._make, "images": Image._make, "annotations": Annotation._make}
    for key, values in stretches(path, location_key):
        yield from map(make[key], values)


def stretches(path: Path, location_key: str = "location") -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield as ``rows`` what some elements of a list hold, as plain tuples: there are millions."""
    image = coco.Members(
        ("id", coco.identity),
        ("file_name", coco.text),
        (location_key, _location),
        ("seq_id", _sequence),
        ("seq_num_frames", coco.whole),
        ("frame_num", coco.whole),
        ("datetime", coco.words),
        ("width", coco.whole),
        ("height", coco.whole),
        ("corrupt", coco.flag),
        ("rights_holder", coco.words),
    )
    annotation = coco.Members(
        ("id", _own_id),
        ("image_id", coco.identity),
        ("category_id", coco.identity),
        ("sequence_level_annotation", coco.flag),
        ("count", _individuals),
        ("bbox", coco.box),
        ("bbox_relative", coco.box),
    )
    makers: dict[str, coco.Maker] = {
        "categories": _categories,
        "images": lambda entries: _located(image(entries)),
        "annotations": annotation,
    }
    for key, _, _, made in coco.stretches(path, makers):
        yield key, made


def read(path: Path, location_key: str = "location") -> Annotations:
    """Read a dataset; ``location_key`` names the images' key that says where a camera stood."""
    columns = _Columns(path)
    image = coco.Members(
        ("id", coco.identity),
        ("file_name", coco.text),
        (location_key, _location),
        ("seq_id", _sequence),
    )
    makers: dict[str, coco.Maker] = {
        "categories": _categories,
        "images": lambda entries: _located(image(entries)),
        "annotations": coco.Members(("image_id", coco.identity), ("category_id", coco.identity)),
    }
    take = {
        "categories": columns.add_categories,
        "images": columns.add_images,
        "annotations": columns.add_annotations,
    }
    for key, start, entries, made in coco.stretches(path, makers):
        take[key](start, entries, made)
    return columns.close()


def _categories(entries: Sequence[Entry]) -> list[Category]:
    return [Category(coco.identity(entry, "id"), _name(entry)) for entry in entries]


def _name(entry: Entry) -> str:
    name = coco.text(entry, "name")
    if not name.strip():
        raise ValueError("the name is blank")
    return name


@coco.exact(int, str, NoneType)
def _location(entry: Entry, key: str) -> Location | None:
    value: Location | None = coco.plain(entry.get(key))
    if value is not None and type(value) not in (int, float, str):
        raise ValueError(f'"{key}" must be a number or a text, got {shown(value)}')
    return value


def _located(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Take a blank location, the third value, for none."""
    if all(splits.known(place) is place for place in {row[2] for row in rows}):
        return rows
    return [(*row[:2], splits.known(row[2]), *row[3:]) for row in rows]


@coco.exact(str, NoneType)
def _sequence(entry: Entry, key: str) -> str | None:
    value = coco.plain(entry.get(key))
    return value if value is None or type(value) is str else str(value)


@coco.exact(int, str, NoneType)
def _own_id(entry: Entry, key: str) -> ImageId | None:
    return None if entry.get(key) is None else coco.identity(entry, key)


@coco.exact(int, str, NoneType)
def _individuals(entry: Entry, key: str) -> int | str | None:
    value = entry.get(key)
    return value if type(value) is str else coco.whole(entry, key)


class _Columns:
    """Collects columns in the order of the file; ``close`` sorts and joins them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._categories: dict[ImageId, str] = {}
        self._rows: dict[ImageId, int] = {}
        self._files: list[str] = []
        self._locations: list[Location | None] = []
        self._sequences: list[str] = []
        # One object for each distinct location, and for pictures of a burst in a row.
        self._shared: dict[Location, Location] = {}
        # Of each annotation: row of its image, -1 as long as there is none, and its category.
        self._labeled = array("i")
        self._labels = array("i")
        self._waiting: dict[int, ImageId] = {}
        self._class_numbers: dict[ImageId, int] = {}
        self._keys: dict[str, None] = {}
        self._example: Entry = {}
        self._random = random.Random(0)

    def add_categories(self, start: int, _: Sequence[Entry], made: Sequence[Category]) -> None:
        for position, (number, name) in enumerate(made, start):
            place = f"categories[{position}]"
            if number in self._categories:
                raise self._error(place, f"the category id {number!r} is there twice")
            if name in self._categories.values():
                raise self._error(place, f"the category name {name!r} is there twice")
            self._categories[number] = name

    def add_images(self, start: int, entries: Sequence[Entry], made: Sequence[Any]) -> None:
        rows, share = self._rows, self._shared.setdefault
        before = self._sequences[-1] if self._sequences else ""
        for row, entry, (number, file, location, sequence) in zip(
            range(start, start + len(made)), entries, made, strict=True
        ):
            if rows.setdefault(number, row) != row:
                place = f'images[{row}] ("{file}")'
                raise self._error(place, f"the image id {number!r} is there twice")
            self._files.append(file)
            self._locations.append(None if location is None else share(location, location))
            before = before if sequence == before else sequence or ""
            self._sequences.append(before)
            if not entry.keys() <= self._keys.keys():
                self._keys.update(dict.fromkeys(entry))
            # Each image so far has the same chance to be the example.
            if self._random.random() * (row + 1) < 1:
                self._example = entry

    def add_annotations(self, _: int, __: Sequence[Entry], made: Sequence[Any]) -> None:
        rows, numbers = self._rows, self._class_numbers
        for image, category in made:
            row = rows.get(image, -1)
            if row < 0:
                self._waiting[len(self._labeled)] = image
            self._labeled.append(row)
            self._labels.append(numbers.setdefault(category, len(numbers)))

    def close(self) -> Annotations:
        """Join the labels to the images and sort both by the images' ids."""
        classes, unlisted = self._join()
        if len({type(number) for number in self._rows}) > 1:
            raise self._error("images", "some ids are numbers and some are texts")
        ids = sorted(self._rows)
        order = array("i", map(self._rows.__getitem__, ids))
        self._rows.clear()  # makes room for the sorted columns
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
        class_of = self._class_of_each_number()
        classes = array("i", [UNLABELED]) * len(self._files)
        unlisted: dict[ImageId, None] = {}
        for i, image in self._waiting.items():
            self._labeled[i] = self._rows.get(image, -1)
            if self._labeled[i] < 0:
                unlisted[image] = None
        for row, number in zip(self._labeled, self._labels, strict=True):
            if row < 0:
                continue
            if classes[row] == UNLABELED:
                classes[row] = class_of[number]
            elif classes[row] != class_of[number]:
                classes[row] = SEVERAL
        if unlisted and max(self._labeled) < 0:
            first = next(iter(unlisted))
            rule = f"no image has the image_id {first!r}, nor that of any other annotation"
            raise self._error("annotations[0]", rule)
        return classes, list(unlisted)

    def _class_of_each_number(self) -> list[int]:
        class_ids = {number: i for i, number in enumerate(self._categories)}
        for category, number in self._class_numbers.items():
            if category not in class_ids:
                place = f"annotations[{self._labels.index(number)}]"
                raise self._error(place, f"no category has the id {category!r}")
        return [class_ids[category] for category in self._class_numbers]

    def _error(self, place: str, rule: str) -> FormatError:
        return FormatError(self._path, place, rule)
