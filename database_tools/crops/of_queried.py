"""Queried pictures, cut by boxes that people drew or that the cache of detections has."""

from __future__ import annotations

import contextlib
from pathlib import Path

from database_tools.crops import crop_folder
from database_tools.crops.choosing import Chooser
from database_tools.crops.crop_folder import FolderConfig, Outcome, Show
from database_tools.formats import queried_images

STAGE = "detect_and_crop"


def cut(
    queried: Path, folder: Path, version: str, config: FolderConfig, show: Show = iter
) -> Outcome:
    """Cut pictures of ``queried_images.json`` by a cache; return and raise as ``crop_folder.cut``.

    Raises:
        FormatError: also for a broken file.
    """
    number, first = 0, None
    for image in queried_images.read(queried):
        number += 1
        first = image.dataset if first is None and image.boxes is None else first
    with contextlib.closing(Chooser(folder, version, config.rule)) as chooser:
        found = None if first is None else chooser.dataset(first)
        info = config.info(found and found.header.info.get("detector"), version)
        pictures = ((i.name, chooser.choose(i)) for i in queried_images.read(queried))
        return crop_folder.cut(pictures, number, config, info, STAGE, show)
