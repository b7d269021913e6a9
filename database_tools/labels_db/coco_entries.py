"""COCO Camera Traps as entries of the label database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from database_tools.core.annotations import ImageId
from database_tools.core.errors import FormatError
from database_tools.core.label_entries import Entry, Picture, Said
from database_tools.formats import coco_camera_traps
from database_tools.formats.coco_camera_traps import Category


def read(path: Path, location_key: str = "location") -> Iterator[Entry]:
    """Yield pictures and what was said of them, as the file has them.

    Categories may come after annotations that use them; a first look finds them then.

    Raises:
        UserError: if there is no such file.
        FormatError: with the place and the rule that the file breaks.
    """
    names: dict[ImageId, str] = {}
    for kind, rows in coco_camera_traps.stretches(path, location_key):
        if kind == "categories":
            names.update(rows)
        elif kind == "images":
            for key, file, location, sequence, _, frame, taken, width, height, _, _ in rows:
                yield Picture(key, file, location, sequence, frame, taken, width, height)
        else:
            names = names or _categories(path, location_key)
            for _, key, category, of_sequence, _, pixels, box in rows:
                if (label := names.get(category)) is None:
                    rule = f"no category has the id {category!r}"
                    raise FormatError(path, f"annotation of image {key!r}", rule)
                relative = None if box is None else (label, *box)
                yield Said(key, label, bool(of_sequence), relative, pixels)


def _categories(path: Path, location_key: str) -> dict[ImageId, str]:
    rows = coco_camera_traps.rows(path, location_key)
    return {row.id: row.name for row in rows if isinstance(row, Category)}
