"""Pictures of one detection file, and what becomes of each: ``crop_detections``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from database_tools.core import detector_version, reasons
from database_tools.core.names import written
from database_tools.crops import crop_folder, wanted
from database_tools.crops.crop_folder import FolderConfig, Outcome, Show
from database_tools.crops.wanted import Rule, Wanted
from database_tools.detections.image_table import ImageTable
from database_tools.formats import detection_json
from database_tools.formats.megadetector_json import Header

STAGE = "crop_detections"


def cut(detections: Path, version: str | None, config: FolderConfig, show: Show = iter) -> Outcome:
    """Cut what a detection file found; return and raise as ``crop_folder.cut``.

    Raises:
        FormatError: also for a broken file.
    """
    header = detection_json.read_header(detections, whole=False)
    detector = header.info.get("detector")
    version = detector_version.choose(version, detector, str(detections))
    wanted.check_categories(detections, header, config.rule)
    with contextlib.closing(ImageTable()) as table:
        table.add_file(detections, image_dir=config.source.folder)
        pictures = _pictures(table, header, config.rule, version)
        info = config.info(detector, version)
        return crop_folder.cut(pictures, len(table), config, info, STAGE, show)


def _pictures(
    table: ImageTable, header: Header, rule: Rule, version: str
) -> Iterator[tuple[str, Wanted | str]]:
    for image in table.images():
        if (picture := written(image.file)) is None:
            yield image.file, reasons.OUTSIDE
        else:
            names = header.detection_categories
            yield picture, wanted.of_found(picture, image, names, rule, version)
