"""The two final files of a detection pass; each of them rebuilds the same dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.detections import CATEGORY_NAMES, Detections, Failure, Found
from database_tools.formats import detections_pickle, megadetector_json

PICKLE, JSON = "detections_final.pkl", "detections_final.json"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a detection file, by its id and name in the annotations."""

    id: int | str
    file_name: str


Results = Callable[[], Iterable[tuple[Picture, Found]]]
"""Gives all pictures with their results in listed order; called again if a name was lacking."""


def write(
    folder: Path, results: Results, detector: str, categories: Mapping[str, str] | None
) -> None:
    """Write ``detections_final.pkl`` and ``detections_final.json`` into ``folder``.

    Boxes below 0.005 are in neither.  A picture that could not be read is a failure in the JSON
    and absent from the pickle, so that the next run tries it again.
    """
    names = dict(CATEGORY_NAMES if categories is None else categories)
    header = megadetector_json.Header({"detector": detector}, names)
    # Names come first in the JSON: with one that was lacking it is written again, once.
    while lacking := _write(folder, results(), header):
        names |= {category: f"class {category}" for category in lacking}


def _write(
    folder: Path, results: Iterable[tuple[Picture, Found]], header: megadetector_json.Header
) -> list[str]:
    """Write both files in one pass; return the categories that the header has no name for."""
    lacking: dict[str, None] = {}

    def detections() -> Iterator[tuple[int | str, Detections]]:
        for picture, found in results:
            if isinstance(found, Failure):
                as_json.add(entry(picture.file_name, found))
                continue
            lacking.update(dict.fromkeys(found.categories))
            kept = found.worth_keeping()
            as_json.add(entry(picture.file_name, kept))
            yield picture.id, kept

    with megadetector_json.writing(folder / JSON, header) as as_json:
        detections_pickle.write(folder / PICKLE, detections())
    return [category for category in lacking if category not in header.detection_categories]


def entry(file_name: str, result: Found) -> megadetector_json.Image:
    """Return what a batch output says of a picture: all of its boxes, or why there are none."""
    if isinstance(result, Failure):
        why = megadetector_json.failure_text(result.reason)
        return megadetector_json.Image(file_name, None, why)
    rows = zip(result.categories, result.scores.tolist(), result.boxes.tolist(), strict=True)
    boxes = tuple(megadetector_json.Box(c, conf, (x, y, w, h)) for c, conf, (x, y, w, h) in rows)
    return megadetector_json.Image(file_name, boxes)
