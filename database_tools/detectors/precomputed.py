"""Detections that somebody computed before, instead of a detector.

Three kinds of file: this tool's ``detections_final.pkl``, whose keys are image ids; its twin
``detections_final.json``; and any batch output of MegaDetector.  The latter two know pictures by
file name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath

from database_tools.core import boxes as box_rows
from database_tools.core.detection_table import DetectionTable
from database_tools.core.detections import CATEGORY_NAMES, Found
from database_tools.core.errors import UserError
from database_tools.formats import detections_pickle, megadetector_json

ImageId = str | int


ID, FILE_NAME = "image id", "file name"


@dataclass(frozen=True)
class Precomputed:
    """A detection file, opened.

    Attributes:
        name: of the detector that made it, if the file says so, else of the file.
        categories: category id to name, in the ids that the boxes have here.
        by: what the file knows pictures by, ``"image id"`` or ``"file name"``.
    """

    name: str
    categories: Mapping[str, str]
    by: str
    _table: DetectionTable

    def __len__(self) -> int:
        return len(self._table)

    def find(self, image_id: ImageId, file_name: str) -> Found | None:
        """Return what the file says about a picture: boxes, a failure, or None for nothing.

        Args:
            image_id: as in the annotation file; 7 is not "7".
            file_name: as in the annotation file.  Pickles are asked for it too, as
                ``convert_json_detections_to_pickle.py`` wrote file names for ids.
        """
        found = self._table.get(image_id) if self.by == ID else None
        return self._table.get(plain_name(file_name)) if found is None else found

    def example(self) -> str:
        """Return the first key, to show when nothing matches; empty if there is none."""
        return next((str(key) for key in self._table), "")


def plain_name(file_name: str) -> str:
    """Write a path the one way in which names are compared: ``a/b.jpg``."""
    return str(PurePosixPath(file_name.replace("\\", "/")))


def read(
    path: Path, image_dir: Path | None = None, categories: Mapping[str, str] | None = None
) -> Precomputed:
    """Read a detection file, ``.pkl`` or ``.json``.

    Args:
        path: the file.
        image_dir: folder of the pictures; absolute names inside it, which MegaDetector writes
            unless told otherwise, are taken relative to it.
        categories: id to name of the detector that finds the rest, None for MegaDetector's.
            The file's categories of the same names get these ids, and others that would clash
            new ones, so that a pickle, which has no names, says the same as a JSON.

    Raises:
        UserError: if there is no such file, or its name ends otherwise.
        FormatError: if it breaks its format, or is a pickle with anything but numbers in it.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such detection file")
    if path.suffix.lower() in (".pkl", ".pickle", ".p"):
        return _read_pickle(path)
    if path.suffix.lower() == ".json":
        return _read_json(path, image_dir, CATEGORY_NAMES if categories is None else categories)
    raise UserError(f"{path}: a detection file ends in .pkl or .json")


def _read_pickle(path: Path) -> Precomputed:
    return Precomputed(path.name, _twins_names(path), ID, detections_pickle.read(path))


def _twins_names(path: Path) -> Mapping[str, str]:
    """Return the categories of the JSON that a build wrote beside its pickle, if it is there."""
    try:
        return megadetector_json.read_header(path.with_suffix(".json")).detection_categories
    except UserError:
        return CATEGORY_NAMES


def _read_json(path: Path, image_dir: Path | None, categories: Mapping[str, str]) -> Precomputed:
    header = megadetector_json.read_header(path)
    roots = [plain_name(str(f)) + "/" for f in (image_dir, image_dir and image_dir.resolve()) if f]
    ids = same_ids(header.detection_categories, categories)
    table = DetectionTable()
    for image in megadetector_json.images(path):
        _add(table, _relative(plain_name(image.file), roots), image, ids)
    name = str(header.info.get("detector", path.name))
    names = {ids[category]: text for category, text in header.detection_categories.items()}
    return Precomputed(name, names, FILE_NAME, table)


def same_ids(own: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Return for each of a file's category ids the one to use beside another table's.

    Args:
        own: the file's, id to name.
        other: the other table, id to name.

    Returns:
        The file's id to: the other's id of the same name; else its own, if that is a whole
        number that is still free; else the least free number from 1.
    """
    by_name = {name: category for category, name in reversed(list(other.items()))}
    ids = {category: by_name[name] for category, name in own.items() if name in by_name}
    taken = {*other, *ids.values()}
    for category in sorted(own.keys() - ids.keys()):
        if category.isdecimal() and category not in taken:
            ids[category] = category
            taken.add(category)
    for category in sorted(own.keys() - ids.keys()):
        ids[category] = next(str(n) for n in count(1) if str(n) not in taken)
        taken.add(ids[category])
    return ids


def _relative(file_name: str, roots: list[str]) -> str:
    return next((file_name[len(r) :] for r in roots if file_name.startswith(r)), file_name)


def _add(
    table: DetectionTable, key: str, image: megadetector_json.Image, ids: Mapping[str, str]
) -> None:
    if image.boxes is None:
        table.add_failure(key, image.failure or "not processed")
        return
    # The format says of a box with an unknown category id: there is none.
    boxes = [box for box in image.boxes if box.category in ids]
    corners = box_rows.to_corners([box.bbox for box in boxes])
    table.add(key, corners, [box.conf for box in boxes], [ids[box.category] for box in boxes])
