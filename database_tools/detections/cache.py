"""The cache of detections: one file for each detector's version and dataset of pictures.

    mdcache/v4.1/name_of_dataset.json

It is MegaDetector's batch output 1.6 (``formats.megadetector_json``), sorted by name; names are
relative to the dataset's folder.  A file that comes later adds to it; of a picture that both have,
its result counts.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path

from database_tools.core import detector_version
from database_tools.core.errors import FormatError, UserError
from database_tools.core.names import written
from database_tools.detections.image_table import ImageTable
from database_tools.detectors.precomputed import same_ids
from database_tools.durable import files, locks
from database_tools.formats import detection_json, megadetector_json
from database_tools.formats.megadetector_json import Box, Header, Image

log = logging.getLogger(__name__)


def path(folder: Path, version: str, dataset: str) -> Path:
    """Return where the detections of a dataset are."""
    return folder / f"v{version}" / f"{dataset}.json"


def find(folder: Path, version: str, dataset: str) -> Path | None:
    """Return the file of a dataset that is there; None if none is.

    What was cached as ``v4.1.0`` is found by 4.1 too, if there is no ``v4.1``.
    """
    exact = path(folder, version, dataset)
    if exact.is_file() or not folder.is_dir():
        return exact if exact.is_file() else None
    others = sorted(p.name[1:] for p in folder.iterdir() if p.name.startswith("v"))
    same = (path(folder, v, dataset) for v in others if detector_version.same(v, version))
    return next((p for p in same if p.is_file()), None)


def add(source: Path, folder: Path, dataset: str, flag: str | None = None) -> Path:
    """Add a detection file of a dataset to the cache and return the cache's file.

    Raises:
        UserError: if the versions do not fit, the folder cannot be written, or another process
            writes there.
        FormatError: if a file breaks its format; the cache stays as it was.
    """
    if not dataset or "/" in dataset or "\\" in dataset or dataset in (".", ".."):
        raise UserError(f"--dataset {dataset!r} cannot be the name of a file")
    header = detection_json.read_header(source)
    version = detector_version.choose(flag, header.info.get("detector"), str(source))
    target = path(folder, version, dataset)
    with locks.locked(target.parent / ".lock"):
        files.remove_leftovers(target.parent)
        _merge(source, header, target)
    return target


def _merge(source: Path, header: Header, target: Path) -> None:
    with contextlib.closing(ImageTable()) as table:
        change: Callable[[Image], Image] | None = None
        if target.exists():
            earlier = megadetector_json.read_header(target)
            _check_detector(target, earlier, source, header)
            table.add_file(target)
            header, change = _joined(earlier, header)
        before = len(table)
        table.add_file(source, lambda image: _checked(source, image, change))
        with megadetector_json.writing(target, header) as writer:
            for image in table.images(by_name=True):
                writer.add(image)
        if redundant := table.read - len(table):
            message = "Warning: found %d redundant images (out of %d total) during merge"
            log.warning(message, redundant, table.read)
        log.info("%s: %d images, %d of them new", target, len(table), len(table) - before)


def _checked(source: Path, image: Image, change: Callable[[Image], Image] | None) -> Image:
    """Return an image with the ids that it has in the cache.

    Raises:
        FormatError: if its name is absolute or has ``..``, so that nobody ever asks for it.
    """
    if written(image.file) is None:
        rule = "is no relative name; run the detector with --output_relative_filenames"
        raise FormatError(source, f'"{image.file}"', rule)
    return image if change is None else change(image)


def _check_detector(target: Path, earlier: Header, source: Path, later: Header) -> None:
    names = [header.info.get("detector") for header in (earlier, later)]
    versions = [detector_version.of(name) if isinstance(name, str) else None for name in names]
    first, second = versions
    if first is not None and second is not None and not detector_version.same(first, second):
        rule = f"the detector is {names[0]!r}, that of {source} is {names[1]!r}"
        raise FormatError(target, "info", rule)


def _joined(earlier: Header, later: Header) -> tuple[Header, Callable[[Image], Image]]:
    """Return the header of two files together, and what gives the later one's images its ids."""
    detected = _Ids(earlier.detection_categories, later.detection_categories)
    classified = _Ids(earlier.classification_categories, later.classification_categories)

    def box(found: Box) -> Box:
        classes = tuple((classified.of(name), conf) for name, conf in found.classifications)
        return found._replace(category=detected.of(found.category), classifications=classes)

    def image(entry: Image) -> Image:
        return entry if entry.boxes is None else entry._replace(boxes=tuple(map(box, entry.boxes)))

    header = replace(
        earlier, detection_categories=detected.names, classification_categories=classified.names
    )
    return header, image


class _Ids:
    """Categories of two files in one table: those of the same name are one."""

    def __init__(self, earlier: Mapping[str, str], later: Mapping[str, str]) -> None:
        self._ids = same_ids(later, earlier)
        self.names = {**earlier, **{self._ids[i]: name for i, name in later.items()}}
        # Boxes of an id without a name keep their places, and get none here by chance.
        self._free = next(str(n) for n in count(1) if str(n) not in self.names)

    def of(self, category: str) -> str:
        """Return the id here of one in the later file."""
        known = self._ids.get(category)
        return known or (self._free if category in self.names else category)
