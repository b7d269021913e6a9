"""``train.json`` and ``test.json`` of a dataset of crops, in COCO format.

    {"images": [{"id": 0, "width": 301, "height": 288, "file_name": "red fox/site1/a.jpg",
                 "original_key": "a"}, ...],
     "categories": [{"id": 0, "name": "red fox", "supercategory": "entity"}, ...],
     "annotations": [{"id": 0, "image_id": 0, "category_id": 0}, ...]}

``original_key`` is the id of the whole image; files of older tools lack it.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from database_tools.core.annotations import ImageId
from database_tools.core.errors import FormatError
from database_tools.formats import json_stream


@dataclass(frozen=True, eq=False)
class CropsCoco:
    """One split of a dataset of crops.

    Attributes:
        categories: class id to name, in the order of the ids.
        files: of the crops, ``<category>/<file of the image>``.
        original_keys: ids of the whole images; None where the file does not say.
        labels: class id of each annotation.
        ids: of the crops, in the order of ``files``.
        crop_ids: the crop of each annotation.
    """

    categories: dict[int, str]
    files: list[str]
    original_keys: list[ImageId | None]
    labels: array[int]
    ids: array[int]
    crop_ids: array[int]

    def labels_of_files(self, path: Path) -> list[int]:
        """Return the class id of each of ``files``; whatever the order of the annotations.

        Args:
            path: of the file, for messages.

        Raises:
            FormatError: if a crop has no annotation or several, or one is of no crop.
        """
        if self.ids == self.crop_ids:
            return list(self.labels)
        of = dict(zip(self.crop_ids, self.labels, strict=True))
        if len(of) < len(self.crop_ids):
            raise FormatError(path, "annotations", "several are of one image")
        if missing := set(self.ids).symmetric_difference(of):
            rule = "no annotation" if min(missing) in self.ids else "no image"
            raise FormatError(path, f"id {min(missing)}", f"there is {rule} of it")
        return [of[number] for number in self.ids]


def read(path: Path) -> CropsCoco:
    """Read a split; raise FormatError if it is not a dataset of crops."""
    table = CropsCoco({}, [], [], array("q"), array("q"), array("q"))
    lists = set()
    for member, position, entry in json_stream.members(path):
        lists.add(member)
        if position is None:
            continue
        try:
            _take(table, member, entry)
        except KeyError as error:
            raise FormatError(path, f"{member}[{position}]", f"no key {error}") from None
        except (TypeError, ValueError, AttributeError) as error:
            raise FormatError(path, f"{member}[{position}]", f"not as expected: {error}") from None
    for member in ("images", "categories", "annotations"):
        if member not in lists:
            raise FormatError(path, "top level", f'no list "{member}"')
    if unknown := set(table.labels) - set(table.categories):
        raise FormatError(path, "annotations", f"no category has the id {min(unknown)}")
    return replace(table, categories=dict(sorted(table.categories.items())))


def _take(table: CropsCoco, member: str, entry: Any) -> None:
    """Add an element of one of the lists."""
    if member == "categories":
        table.categories[int(entry["id"])] = str(entry["name"])
    elif member == "images":
        table.files.append(str(entry["file_name"]))
        table.original_keys.append(entry.get("original_key"))
        table.ids.append(entry["id"])
    elif member == "annotations":
        table.labels.append(entry["category_id"])
        table.crop_ids.append(entry["image_id"])
