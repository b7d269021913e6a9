"""The crops that a model is asked about, in an order that nothing changes.

===========================  ===========================================  =====================
asked about                  a source is                                  order
===========================  ===========================================  =====================
a folder                     each picture below it, a crop                by name
a folder and its CSV         a crop of the CSV                            of the CSV
a folder and detections      the crop of a box that is there              of the detection file
pictures and detections      a picture with the boxes to cut              of the detection file
records                      a part of a shard                            of the shards
===========================  ===========================================  =====================

All are streams: a folder's names are held while it is gone through, and no more.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from database_tools.core import names, reasons
from database_tools.core.errors import UserError
from database_tools.core.names import CropName, crop_names, written
from database_tools.durable import listing, spelling
from database_tools.formats import classification_csv
from database_tools.formats.megadetector_json import Image
from database_tools.remote import RemotePath
from tf_classification.data import record_index

Box = tuple[float, float, float, float]

_FOLDERS = 256
"""Whose names are kept, for a detection file that goes to and fro between them."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file, and what is asked about it.

    Attributes:
        file: to open, relative to the folder of crops or pictures.
        crops: how its crops are called in the output; ``file`` itself if it is a crop.
        boxes: one for each crop, (x, y, width, height) in [0, 1]; None if the file is the crop.
        span: first byte and number of bytes of the crop in the file; None for all of it.
        confidences: of the detector, one for each crop; None if nobody says.
        location: where the camera stood; "" if nobody says.
    """

    file: str
    crops: tuple[str, ...]
    boxes: tuple[Box, ...] | None = None
    span: tuple[int, int] | None = None
    confidences: tuple[float, ...] | None = None
    location: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """A picture of a detection file that is not asked about, for one of ``core.reasons``."""

    reason: str
    file: str


Found = Source | Absent


def below(folder: Path) -> Iterator[Found]:
    """Yield each picture below a folder as a crop; hidden files, and links to folders, are not."""
    if isinstance(folder, RemotePath):
        folder.below()  # one listing, not one of each folder
    yield from _below(folder, "")


def _below(root: Path, within: str) -> Iterator[Found]:
    for name, is_folder in sorted(listing.entries(root / within)):
        path = f"{within}{name}"
        if name.startswith("."):
            continue
        if is_folder:
            yield from _below(root, f"{path}/")
        elif names.is_picture(name):
            yield Source(path, (path,)) if names.is_text(path) else Absent(reasons.NO_TEXT, path)


def of_table(table: Path) -> Iterator[Found]:
    """Yield the crops of a ``classification_ds.csv``, whether their files are there or not."""
    for crop in classification_csv.read(table):
        place = f"{crop.dataset}/{crop.location}"
        yield Source(crop.path, (crop.path,), confidences=(crop.confidence,), location=place)


def records(folder: Path) -> Iterator[Found]:
    """Yield the records of both splits of ``make_classification_dataset.py``, in their order.

    A picture may have several, so a record is called by its place: ``train-00000:1234``.
    """
    for split in ("train", "test"):
        index, shards = record_index.load(folder, split), record_index.shards(folder, split)
        columns = (index.shard, index.offset, index.length, index.confidences)
        numbers = zip(*(column.tolist() for column in columns), strict=True)
        for (shard, offset, length, sure), place in zip(numbers, index.places, strict=True):
            file = shards[shard].name
            name = f"{file}:{offset}"
            yield Source(file, (name,), None, (offset, length), (sure,), str(place))


def listed(folder: Path, images: Iterable[Image]) -> Iterator[Found]:
    """Yield the crops of a folder that a detection file has boxes for.

    Raises:
        UserError: if two detectors' crops of one box are there.
    """

    @functools.lru_cache(_FOLDERS)
    def crops_in(within: str) -> Mapping[str, Sequence[tuple[int, str]]]:
        return _crops_in(folder, within)

    for image in images:
        name = written(image.file)
        if name is None:
            yield Absent(reasons.OUTSIDE, image.file)
            continue
        within, _, last = name.rpartition("/")
        there = crops_in(within).get(names.key(last), ())
        boxes = image.boxes or ()
        chosen = [(box, f"{within}/{crop}" if within else crop) for box, crop in there]
        for (box, crop), (following, other) in pairwise(chosen):
            if box == following:
                raise UserError(f"{folder}: {crop} and {other} are crops of one box; keep one")
        yield from (
            Source(crop, (crop,), confidences=(boxes[box].conf,))
            for box, crop in chosen
            if box < len(boxes)
        )


def _crops_in(root: Path, within: str) -> dict[str, list[tuple[int, str]]]:
    """List a folder's crops: key of the picture's name to (box, name of the crop), sorted."""
    found: dict[str, list[tuple[int, str]]] = {}
    for name, _ in listing.entries(spelling.locate(root / within)):
        try:
            crop = CropName.parse(name)
        except ValueError:
            continue
        found.setdefault(names.key(crop.image), []).append((crop.box, name))
    return {image: sorted(crops) for image, crops in found.items()}


@dataclass(frozen=True)
class Choice:
    """Which boxes of whole pictures are cut.

    Attributes:
        categories: ids that are; None for any.
        threshold: least confidence, which counts.
        version: of the detector, for the crops' names.
    """

    categories: frozenset[str] | None
    threshold: float
    version: str


def pictures(images: Iterable[Image], choice: Choice) -> Iterator[Found]:
    """Yield the pictures of a detection file with the boxes to cut.

    Boxes keep their place in the file, by which their crops are called.
    """
    return (_picture(image, choice) for image in images)


def _picture(image: Image, choice: Choice) -> Found:
    name = written(image.file)
    if name is None:
        return Absent(reasons.OUTSIDE, image.file)
    if not names.is_text(image.file):
        return Absent(reasons.NO_TEXT, image.file)
    if image.boxes is None:
        return Absent(reasons.FAILURE_IN_DETECTION_FILE, image.file)
    least = np.float32(choice.threshold)
    chosen = [
        (i, box)
        for i, box in enumerate(image.boxes)
        if np.float32(box.conf) >= least
        and (choice.categories is None or box.category in choice.categories)
    ]
    crops = crop_names(name, (i for i, _ in chosen), choice.version)
    boxes, sure = tuple(box.bbox for _, box in chosen), tuple(box.conf for _, box in chosen)
    return Source(name, crops, boxes, confidences=sure)
