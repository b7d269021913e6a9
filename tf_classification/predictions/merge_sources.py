"""Where the boxes of a merge are from: one file of detections, or queried pictures and a cache.

Each source gives the header of the output, and its pictures with the name that crops know them by.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import NamedTuple, Protocol

from database_tools.core.detections import CATEGORY_NAMES
from database_tools.core.errors import FormatError, UserError
from database_tools.detections import cache as cache_files
from database_tools.detectors import precomputed
from database_tools.formats import megadetector_json, queried_images
from database_tools.formats.megadetector_json import Box, Header, Image
from tf_classification.predictions.crop_classes import CropClasses

COMPLETED = "detection_completion_time"


class Source(Protocol):
    """See the module: the header without the classifier's part, and a name for messages."""

    header: Header
    place: str

    def pictures(self) -> Iterator[Picture]:
        """Yield the pictures that come out, if they have crops or ``is_wanted`` without."""


class Picture(NamedTuple):
    """A picture of a source.

    Attributes:
        image: as it is written.
        is_drawn: whether its boxes are drawn by hand; None if that does not matter.
        is_wanted: whether it comes out without a crop too.
    """

    image: Image
    is_drawn: bool | None
    is_wanted: bool


class DetectionFile:
    """One file of detections: every image comes out."""

    def __init__(self, path: Path) -> None:
        """Read the header."""
        header = megadetector_json.read_header(path)
        info = {COMPLETED: date_of(path), **header.info}
        self.header, self.place, self._path = replace(header, info=info), str(path), path

    def pictures(self) -> Iterator[Picture]:
        """Yield every picture."""
        for image in megadetector_json.images(self._path):
            yield Picture(image, None, True)


@dataclass(frozen=True)
class _Cache:
    """Detections of one dataset: the file, its header, its category ids to those of the output."""

    dataset: str
    path: Path
    header: Header
    ids: dict[str, str]


class QueriedImages:
    """Queried pictures: drawn boxes first, then those of the cache, dataset by dataset."""

    def __init__(
        self, queried: Path, folder: Path, version: str | None, crops: CropClasses
    ) -> None:
        """Read the headers of the cache for all datasets that detected crops are of.

        Raises:
            UserError: if the cache lacks one, or they are of several detectors.
        """
        self._queried, self._crops = queried, crops
        self.place = f"{queried} and {folder}"
        categories: dict[str, str] = {}
        self._caches = []
        for dataset in crops.detected_datasets():
            assert version is not None  # detected crops have one
            if (path := cache_files.find(folder, version, dataset)) is None:
                lacking = cache_files.path(folder, version, dataset)
                raise UserError(f"{lacking}: no such file, but there are crops of its boxes")
            header = megadetector_json.read_header(path)
            ids = precomputed.same_ids(header.detection_categories, categories)
            for own, name in header.detection_categories.items():
                categories.setdefault(ids[own], name)
            self._caches.append(_Cache(dataset, path, header, ids))
        categories = categories or dict(CATEGORY_NAMES)
        self._by_name = {name: category for category, name in reversed(categories.items())}
        self._name_drawn(categories)
        self.header = Header(self._info(), categories)

    def _name_drawn(self, categories: dict[str, str]) -> None:
        """Give the categories of drawn boxes that no cache has numbers of their own."""
        for image in queried_images.read(self._queried):
            for box in image.boxes or ():
                if box.category not in self._by_name:
                    new = next(str(n) for n in count(1) if str(n) not in categories)
                    categories[new], self._by_name[box.category] = box.category, new

    def _info(self) -> dict[str, str]:
        told = [c for c in self._caches if "detector" in c.header.info]
        info = {"detector": str(told[0].header.info["detector"])} if told else {}
        for cache in told:
            if (detector := cache.header.info["detector"]) != info["detector"]:
                rule = f"is {detector}, but that of {told[0].path} is {info['detector']}"
                raise FormatError(cache.path, "info.detector", rule)
        times = [c.header.info.get(COMPLETED) or date_of(c.path) for c in self._caches]
        return {**info, COMPLETED: max(map(str, times), default=date_of(self._queried))}

    def pictures(self) -> Iterator[Picture]:
        """Yield all pictures; which have crops the caller knows."""
        for image in queried_images.read(self._queried):
            if image.boxes is not None:
                drawn = [Box(self._by_name[b.category], 1.0, b.box) for b in image.boxes]
                yield Picture(Image(image.name, tuple(drawn)), True, False)
        for cache in self._caches:
            for entry in megadetector_json.images(cache.path):
                name = f"{cache.dataset}/{entry.file}"
                yield Picture(_renamed(entry, name, cache.ids), False, False)


def _renamed(image: Image, name: str, ids: Mapping[str, str]) -> Image:
    if image.boxes is None:
        return image._replace(file=name)
    boxes = (box._replace(category=ids.get(box.category, box.category)) for box in image.boxes)
    return image._replace(file=name, boxes=tuple(boxes))


def date_of(path: Path) -> str:
    """Return when a file was written, as 2021's tools did: the local day."""
    return time.strftime("%Y-%m-%d 00:00:00", time.localtime(path.stat().st_mtime))
