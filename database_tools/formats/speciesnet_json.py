"""SpeciesNet's predictions, old (4) and new (5): the boxes in them, as MegaDetector's images.

    {"predictions": [
      {"filepath": "a/b.jpg", "country": "USA",
       "detections": [{"category": "1", "label": "animal", "conf": 0.93, "bbox": [0, 0.2, 1, 0.5]}],
       "classifications": {"classes": [...], "scores": [...]}, "prediction": "...;elk",
       "model_version": "4.0.1a"},
      {"filepath": "bad.jpg", "failures": ["DETECTOR"]}]}

New files have an ``info``, classes within each detection, and a box "0" that stands for the whole
picture: it has no name here, so nothing takes it for an animal, and the others keep their places.
Classes are not read.  A file does not say which detector it is from.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from database_tools.core import reasons
from database_tools.core.detections import CATEGORY_NAMES
from database_tools.formats import megadetector_json
from database_tools.formats.megadetector_json import Header, Image

MEMBER = "predictions"

_OF_A_BOX = ("category", "conf", "bbox")


def read_header(path: Path, *, whole: bool = True) -> Header:
    """Return what is the same in every file: it names no detector, "human" is "person"."""
    return Header({}, dict(CATEGORY_NAMES))


def images(path: Path) -> Iterator[Image]:
    """Yield the pictures in the file's order; errors as ``megadetector_json.images``."""
    return megadetector_json.entries(path, MEMBER, _image)


def _image(entry: Any) -> Image:
    if not isinstance(entry, dict) or not isinstance(entry.get("filepath"), str):
        raise ValueError('expected an object with "filepath", a text')
    failed = "DETECTOR" in (entry.get("failures") or ())
    found = entry.get("detections")
    boxes = [{k: box[k] for k in _OF_A_BOX} for box in found] if found is not None else None
    failure = {"failure": reasons.DETECTOR_FAILED} if failed else {}
    return megadetector_json.image({"file": entry["filepath"], "detections": boxes, **failure})
