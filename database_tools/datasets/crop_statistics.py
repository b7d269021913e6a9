"""Reads a dataset of crops and the annotations that it was made from, and tells what is in it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

from database_tools.core import dataset_statistics
from database_tools.core.annotations import Location
from database_tools.core.dataset_statistics import LocationFinder
from database_tools.core.errors import UserError
from database_tools.datasets.output_folder import STAGE
from database_tools.formats import classlist, coco_camera_traps, crops_coco, ledger_json
from database_tools.formats.crops_coco import CropsCoco

log = logging.getLogger(__name__)


def report(
    camera_trap_json: Path,
    train_json: Path,
    test_json: Path,
    location_key: str,
    classlist_output: Path | None,
) -> Iterator[str]:
    """Yield the lines to print, and write the classes of ``train_json`` if there is a path.

    Raises:
        UserError: if a file is missing or broken, or an image of a crop is not in the annotations.
    """
    yield "loading annotations into memory..."
    start = time.monotonic()
    table = coco_camera_traps.read(camera_trap_json, location_key)
    yield f"Done (t={time.monotonic() - start:0.2f}s)"
    yield "creating index..."
    finder = LocationFinder(table.ids, table.files, table.locations)
    yield "index created!"
    train, test = crops_coco.read(train_json), crops_coco.read(test_json)
    number = len(train.files) + len(test.files)
    if told := ledger_json.disagreement(train_json.parent, STAGE, number):
        log.warning("WARNING: %s crops", told)
    if classlist_output is not None:
        classlist.write(classlist_output, train.categories.values())
    for path, crops, split in ((train_json, train, "training"), (test_json, test, "testing")):
        locations = list(_locations(path, crops, finder, camera_trap_json))
        places = [location for location in locations if location is not None]
        if len(places) < len(locations):
            number = len(locations) - len(places)
            log.warning("%s: %d images have no %r", path, number, location_key)
        if crops is test:
            yield "\n"
        yield from dataset_statistics.lines(split, places, crops.categories, crops.labels)


def _locations(
    path: Path, crops: CropsCoco, finder: LocationFinder, camera_trap_json: Path
) -> Iterator[Location | None]:
    for file, key in zip(crops.files, crops.original_keys, strict=True):
        try:
            yield finder.find(file, key)
        except KeyError:
            rule = f"the image of {file!r} is not in {camera_trap_json}"
            raise UserError(f"{path}: {rule}") from None
