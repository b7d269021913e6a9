"""MegaDetector's batch output as its own batch script of 2021 wrote it, for tools that want that.

    {
     "images": [
      {"file": "a/b.jpg", "max_detection_conf": 0.987,
       "detections": [{"category": "1", "conf": 0.987, "bbox": [0.2, 0.1, 0.5777, 0.45]}]},
      {"file": "a/empty.jpg", "max_detection_conf": 0, "detections": []},
      {"file": "a/bad.jpg", "failure": "Failure image access"}],
     "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
     "info": {"detection_completion_time": "2021-05-01 12:00:00", "format_version": "1.0"}
    }

Each key and number has a line of its own there.  Confidences are floored to 3 significant digits,
coordinates to 4; zero is a whole number.  ``megadetector_json`` reads these files, and so it reads
the script's checkpoints, which have ``images`` alone.

Source: microsoft/CameraTraps, ``run_tf_detector_batch.py`` and ``truncate_float``.
"""

from __future__ import annotations

import contextlib
import json
import math
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from database_tools.core import reasons
from database_tools.durable import files
from database_tools.formats import megadetector_json
from database_tools.formats.megadetector_json import Box, Image

FORMAT_VERSION = "1.0"
_CONF_DIGITS, _COORDINATE_DIGITS = 3, 4
_ACCESS, _INFERENCE = "Failure image access", "Failure TF inference"
_TIME = "%Y-%m-%d %H:%M:%S"


def floored(image: Image) -> Image:
    """Floor a picture's numbers, which are a float32 detector's, as the script did."""
    if image.boxes is None:
        return image
    return replace(image, boxes=tuple(map(_floored_box, image.boxes)))


def _floored_box(box: Box) -> Box:
    x, y, width, height = (floor(float(np.float32(v)), _COORDINATE_DIGITS) for v in box.bbox)
    return replace(box, conf=floor(box.conf, _CONF_DIGITS), bbox=(x, y, width, height))


def floor(value: float, digits: int) -> float:
    """Floor to significant digits: 0.98765 and 3 give 0.987; what is within 1e-8 of 0 gives 0."""
    if abs(value) <= 1e-8:
        return 0
    factor = 10.0 ** (digits - 1 - math.floor(math.log10(abs(value))))
    return math.floor(value * factor) / factor


@contextlib.contextmanager
def writing(path: Path, categories: Mapping[str, str], completed: datetime) -> Iterator[Writer]:
    """Write a file, picture by picture; it appears when the block ends well.

    Args:
        path: of the file.
        categories: id to name.
        completed: when the detector was done, in UTC.
    """
    with (
        files.replacing(path) as temporary,
        temporary.open("w", encoding="ascii", newline="\n") as stream,
    ):
        writer = Writer(stream)
        yield writer
        writer.close(categories, completed)


class Writer:
    """Writes images as they come, their numbers as they are; make it with ``writing``."""

    def __init__(self, stream: IO[str]) -> None:
        self._write, self._separator, self._end = stream.write, "\n", ""
        self._write('{\n "images": [')

    def add(self, image: Image) -> None:
        """Write one image."""
        entry = textwrap.indent(json.dumps(_entry(image), indent=1), "  ")
        self._write(f"{self._separator}{entry}")
        self._separator, self._end = ",\n", "\n "

    def close(self, categories: Mapping[str, str], completed: datetime) -> None:
        """End the file."""
        info = {
            "detection_completion_time": completed.strftime(_TIME),
            "format_version": FORMAT_VERSION,
        }
        table = json.dumps({"detection_categories": dict(categories), "info": info}, indent=1)
        self._write(f"{self._end}],{table[1:]}")


def _entry(image: Image) -> dict[str, Any]:
    if image.boxes is None:
        return {"file": image.file, "failure": _failure(image.failure or "")}
    return {
        "file": image.file,
        "max_detection_conf": _number(max((box.conf for box in image.boxes), default=0)),
        "detections": [
            {
                "category": box.category,
                "conf": _number(box.conf),
                "bbox": [_number(value) for value in box.bbox],
            }
            for box in image.boxes
        ],
    }


def _number(value: float) -> float:
    return value or 0


def _failure(text: str) -> str:
    unread = megadetector_json.failure_reason(text) in reasons.READING
    return _ACCESS if unread else _INFERENCE
