"""When, where and in which bursts pictures were taken: by database, annotations, CSV or EXIF."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from database_tools.core.names import written
from database_tools.formats import coco_camera_traps, media_csv
from database_tools.formats.coco_camera_traps import Image
from database_tools.imaging import taken
from database_tools.labels_db.database import LabelDatabase

_TIME = re.compile(
    r"\s*(\d{4})[:/-](\d{1,2})[:/-](\d{1,2})[ T]+(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?"
)


class Shot(NamedTuple):
    """What is known of a picture: None, or NaN seconds, where nobody says."""

    sequence: str | None
    time: float
    location: str | None = None


def of_database(path: Path, wanted: Collection[str] | None = None) -> Iterator[tuple[str, Shot]]:
    """Yield the pictures, ``<dataset>/<file>``, that a label database has; of some, or all."""
    with LabelDatabase(path) as labels:
        for dataset in labels.datasets():
            for file, sequence, time, location in labels.shots(dataset):
                name = f"{dataset}/{file}"
                if wanted is None or name in wanted:
                    place = None if location is None else f"{dataset}/{location}"
                    yield name, Shot(sequence, seconds(time), place)


def of_annotations(path: Path, wanted: Collection[str]) -> Iterator[tuple[str, Shot]]:
    """Yield the wanted pictures whose files, below their dataset's folder, annotations list."""
    by_file: dict[str, list[str]] = {}
    for name in wanted:
        by_file.setdefault(name.partition("/")[2], []).append(name)
    for file, shot in of_coco(path):
        yield from ((name, shot) for name in by_file.get(file, ()))


def of_coco(path: Path) -> Iterator[tuple[str, Shot]]:
    """Yield all pictures that annotations list."""
    for row in coco_camera_traps.rows(path):
        if isinstance(row, Image):
            place = None if row.location is None else str(row.location)
            yield row.file_name, Shot(row.seq_id, seconds(row.datetime), place)


def of_media(path: Path) -> Iterator[tuple[str, Shot]]:
    """Yield all pictures that a table of media lists."""
    for row in media_csv.read(path):
        yield row.file, Shot(row.sequence or None, seconds(row.datetime), row.location or None)


def of_exif(folder: Path, name: str) -> Shot:
    """Read a picture's time from its head; its folder is the location."""
    if (inside := written(name)) is None:  # not below the folder, so none of its pictures
        return Shot(None, math.nan)
    return Shot(None, seconds(taken.when(folder / inside)), name.rpartition("/")[0])


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
