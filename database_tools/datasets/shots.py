"""When pictures were taken and in which bursts, as the label database or the annotations say."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from database_tools.formats import coco_camera_traps
from database_tools.formats.coco_camera_traps import Image
from database_tools.labels_db.database import LabelDatabase

_TIME = re.compile(
    r"\s*(\d{4})[:/-](\d{1,2})[:/-](\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?"
)


class Shot(NamedTuple):
    """A picture's burst, None where nobody says, and its time in seconds, NaN where nobody says."""

    sequence: str | None
    time: float


def of_database(path: Path, wanted: Collection[str]) -> Iterator[tuple[str, Shot]]:
    """Yield the wanted pictures, ``<dataset>/<file>``, that a label database has."""
    with LabelDatabase(path) as labels:
        for dataset in labels.datasets():
            for file, sequence, time in labels.shots(dataset):
                if (name := f"{dataset}/{file}") in wanted:
                    yield name, Shot(sequence, seconds(time))


def of_annotations(path: Path, wanted: Collection[str]) -> Iterator[tuple[str, Shot]]:
    """Yield the wanted pictures whose files, below their dataset's folder, annotations list."""
    by_file: dict[str, list[str]] = {}
    for name in wanted:
        by_file.setdefault(name.partition("/")[2], []).append(name)
    for row in coco_camera_traps.rows(path):
        if isinstance(row, Image):
            for name in by_file.get(row.file_name, ()):
                yield name, Shot(row.seq_id, seconds(row.datetime))


def seconds(text: str | None) -> float:
    """Return a time as seconds; NaN for one that is not year to minute, in digits."""
    if (found := _TIME.match(text or "")) is None:
        return math.nan
    *whole, second = found.groups()
    try:
        moment = datetime(*map(int, whole), tzinfo=UTC)  # type: ignore[misc, arg-type]
    except ValueError:  # the 31st of June
        return math.nan
    return moment.timestamp() + float(second or 0)
