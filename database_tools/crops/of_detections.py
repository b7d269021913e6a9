"""Pictures of one detection file, and what becomes of each: ``crop_detections``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import detector_version, reasons
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.core.ledger import Ledger
from database_tools.core.names import PictureName
from database_tools.crops import crop_folder, wanted
from database_tools.crops.crop_folder import FolderConfig
from database_tools.crops.wanted import Rule, Wanted
from database_tools.detections.image_table import ImageTable
from database_tools.formats import detection_json
from database_tools.formats.crops_info import CropsInfo
from database_tools.formats.megadetector_json import Header

STAGE = "crop_detections"


@dataclass(frozen=True)
class Request:
    """What is to be cut.

    Attributes:
        detections: a file that ``formats.detection_json`` reads.
        images: folder of the pictures.
        crops: folder of the crops.
        version: of the detector, None for what the file says.
        recipe: how.
        rule: which boxes.
        check: whether crops that are there are decoded.
        workers: processes.
    """

    detections: Path
    images: Path
    crops: Path
    version: str | None
    recipe: CropRecipe
    rule: Rule
    check: bool
    workers: int


def cut(
    request: Request, show: Callable[[Iterator[int]], Iterable[int]] = iter
) -> tuple[Ledger, int]:
    """Cut what the file found; return and raise as ``crop_folder.cut``, and for a broken file."""
    header = detection_json.read_header(request.detections)
    detector = header.info.get("detector")
    version = detector_version.choose(request.version, detector, str(request.detections))
    check_categories(request.detections, header, request.rule)
    name = detector if isinstance(detector, str) else None
    info = CropsInfo(request.recipe, name, version, request.rule.threshold)
    config = FolderConfig(request.images, request.crops, info, request.check, request.workers)
    with contextlib.closing(ImageTable()) as table:
        table.add_file(request.detections, image_dir=request.images)
        pictures = _pictures(table, header, request.rule, version)
        return crop_folder.cut(pictures, len(table), config, STAGE, show)


def check_categories(path: Path, header: Header, rule: Rule) -> None:
    """Raise UserError if a file has no category whose boxes are wanted."""
    there = header.detection_categories.values()
    if not any(map(rule.wants, there)):
        wanted_names, known = " ".join(rule.categories), ", ".join(there) or "none"
        rule_text = f"no category {wanted_names}; there are {known}; say --detection_category"
        raise UserError(f"{path}: {rule_text}")


def _pictures(
    table: ImageTable, header: Header, rule: Rule, version: str
) -> Iterator[tuple[str, Wanted | str]]:
    for image in table.images():
        name = PictureName.of(image.file)
        if name is None:
            yield image.file, reasons.OUTSIDE
        else:
            picture = name.written
            names = header.detection_categories
            yield picture, wanted.of_found(picture, image, names, rule, version)
