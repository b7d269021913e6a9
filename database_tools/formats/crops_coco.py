"""``train.json`` and ``test.json`` of a dataset of crops, in COCO format, on one line.

    {"images": [{"id": 0, "width": 301, "height": 288, "file_name": "red fox/site1/a.jpg",
                 "original_key": "a"}, ...],
     "categories": [{"id": 0, "name": "red fox", "supercategory": "entity"}, ...],
     "annotations": [{"id": 0, "image_id": 0, "category_id": 0}, ...]}

Each crop has one annotation.  Ids are shared by both files, so each has gaps.  ``original_key`` is
the id of the whole image; files of older tools lack it.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple

from database_tools.core.annotations import ImageId
from database_tools.core.errors import FormatError
from database_tools.durable import files
from database_tools.formats import coco
from database_tools.formats.coco import Entry


@dataclass(frozen=True, eq=False)
class CropsCoco:
    """One split of a dataset of crops.

    ``files`` are called ``<category>/<file of the image>``, ``original_keys`` are ids of the whole
    images (None where the file does not say), and ``labels`` class ids.
    """

    categories: dict[int, str]
    files: list[str]
    original_keys: list[ImageId | None]
    labels: array[int]
    ids: list[int]


class Crop(NamedTuple):
    """A crop to write: its id, its size in pixels, its file, whose crop it is, its class id."""

    id: int
    width: int
    height: int
    file: str
    original_key: ImageId
    label: int


def read(path: Path) -> CropsCoco:
    """Read a split."""
    makers: dict[str, coco.Maker] = {
        "images": coco.Members(
            ("id", _number), ("file_name", coco.text), ("original_key", _original_key)
        ),
        "categories": coco.Members(("id", _number), ("name", coco.text)),
        "annotations": coco.Members(("image_id", _number), ("category_id", _number)),
    }
    tables: dict[str, dict[Any, Any]] = {name: {} for name in makers}
    for name, start, _, made in coco.stretches(path, makers):
        for i, (number, *values) in enumerate(made, start):
            if number in tables[name]:
                rule = f"the image_id {number!r}" if name == "annotations" else f"the id {number!r}"
                raise FormatError(path, f"{name}[{i}]", f"{rule} is there twice")
            tables[name][number] = values if name == "images" else values[0]
    images, categories, labels = tables.values()
    if apart := images.keys() ^ labels.keys():
        number = next(iter(apart))
        rule = "no annotation has" if number in images else "no image has"
        raise FormatError(path, "annotations", f"{rule} the image_id {number!r}")
    if unknown := set(labels.values()) - set(categories):
        raise FormatError(path, "annotations", f"no category has the id {min(unknown)}")
    return CropsCoco(
        dict(sorted(categories.items())),
        [file for file, _ in images.values()],
        [key for _, key in images.values()],
        array("q", (labels[number] for number in images)),
        list(images),
    )


@coco.exact(int)
def _number(entry: Entry, key: str) -> int:
    value = coco.whole(entry, key) if key in entry else entry[key]
    if value is None:
        raise ValueError(f'"{key}" must be a whole number, got null')
    return value


@coco.exact(int, str, NoneType)
def _original_key(entry: Entry, key: str) -> ImageId | None:
    # null, and NaN, as of tables with gaps, say that it is not known
    return None if coco.plain(entry.get(key)) is None else coco.identity(entry, key)


def write(path: Path, crops: Callable[[], Iterable[Crop]], categories: Sequence[str]) -> None:
    """Write a split as a stream, as ``json.dump`` would; ``crops`` is asked twice."""
    members: dict[str, Iterable[Mapping[str, object]]] = {
        "images": (
            {
                "id": crop.id,
                "width": crop.width,
                "height": crop.height,
                "file_name": crop.file,
                "original_key": crop.original_key,
            }
            for crop in crops()
        ),
        "categories": (
            {"id": i, "name": name, "supercategory": "entity"} for i, name in enumerate(categories)
        ),
        "annotations": (
            {"id": crop.id, "image_id": crop.id, "category_id": crop.label} for crop in crops()
        ),
    }
    with files.writing(path) as file:
        file.writelines(_pieces(members))


def _pieces(members: Mapping[str, Iterable[object]]) -> Iterator[str]:
    opening = "{"
    for name, elements in members.items():
        yield f"{opening}{json.dumps(name)}: ["
        separator = ""
        for element in elements:
            yield separator + json.dumps(element)
            separator = ", "
        yield "]"
        opening = ", "
    yield "}"
