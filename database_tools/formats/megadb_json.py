"""MegaDB's sequences as JSON: bursts of pictures, of one dataset or of many.

    [{"dataset": "idfg", "seq_id": "s1", "location": 13, "class": ["elk"],
      "images": [{"file": "a/1.jpg", "frame_num": 1, "datetime": "2020-05-01 03:44:54",
                  "class": ["elk", "deer"],
                  "bbox": [{"category": "animal", "bbox": [0.1, 0.2, 0.3, 0.4]}]}]}]

A class of the burst is said of all its pictures.  ``bbox: []`` is a picture in which somebody saw
that there is nothing to draw.  A ``seq_id`` that begins with ``dummy_`` is of pictures whose burst
nobody knows; ``__label_unavailable`` is no class.  A location that is an object becomes
its JSON.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

from database_tools.core import splits
from database_tools.core.annotations import Location
from database_tools.core.errors import FormatError, UserError, shown
from database_tools.core.label_entries import Box, Entry, Picture, Said
from database_tools.formats import coco, json_stream

_UNKNOWN_BURST = "dummy_"
_NO_LABEL = "__label_unavailable"


def read(path: Path, dataset: str) -> Iterator[Entry]:
    """Yield the pictures of a dataset, and what was said of them.

    Raises:
        UserError: if there is no such file, or no sequence of this dataset.
    """
    others: set[str] = set()
    keys, found = count(), False
    for position, sequence in json_stream.elements(path):
        with checked(path, f"[{position}]"):
            if (name := _text(sequence, "dataset")) == dataset:
                found = True
                yield from entries(sequence, keys)
            else:
                others.add(name)
    if not found:
        known = ", ".join(sorted(others)[:5]) or "none"
        raise UserError(f"{path}: no sequence of the dataset {dataset!r}; it has {known}")


@contextlib.contextmanager
def checked(source: Path | str, place: str) -> Iterator[None]:
    """Raise a FormatError for a sequence, read within the block, that breaks a rule."""
    with FormatError.at(source, place):
        try:
            yield
        except KeyError as error:
            raise FormatError(source, place, f"no key {error}") from None


def entries(sequence: Any, keys: Iterable[int]) -> Iterator[Entry]:
    """Yield the pictures of a sequence, each with the next of the keys; use within ``checked``."""
    name, place = str(coco.identity(sequence, "seq_id")), _location(sequence.get("location"))
    burst = None if name.startswith(_UNKNOWN_BURST) else name
    common = _classes(sequence)
    for key, image in zip(keys, _list(sequence, "images"), strict=False):
        boxes = image.get("bbox")
        yield Picture(
            key,
            _text(image, "file"),
            place,
            burst,
            coco.whole(image, "frame_num"),
            coco.words(image, "datetime") or coco.words(sequence, "datetime"),
            no_boxes=boxes == [],
        )
        yield from (Said(key, label) for label in _classes(image))
        yield from (Said(key, label, of_sequence=True) for label in common)
        if boxes is not None:
            yield from (Said(key, None, box=_box(box)) for box in _list(image, "bbox"))


def _text(entry: Any, key: str) -> str:
    if not isinstance(entry, dict):
        raise ValueError(f"expected an object, got {shown(entry)}")
    return str(coco.text(entry, key))


def _list(entry: dict[str, Any], key: str) -> list[Any]:
    if not isinstance(entry[key], list) or not all(isinstance(x, dict) for x in entry[key]):
        raise ValueError(f'"{key}" must be a list of objects, got {shown(entry[key])}')
    return entry[key]


def _classes(entry: dict[str, Any]) -> list[str]:
    found = entry.get("class") or []
    names = [found] if isinstance(found, str) else found
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f'"class" must be a list of texts, got {shown(found)}')
    return [name for name in names if name != _NO_LABEL]


def _location(value: Any) -> Location | None:
    if isinstance(value, dict | list):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    if value is None or (isinstance(value, Location) and not isinstance(value, bool)):
        return splits.known(coco.plain(value))
    raise ValueError(f'"location" must be a number, a text or an object, got {shown(value)}')


def _box(entry: dict[str, Any]) -> Box:
    corner = coco.box(entry, "bbox")
    if corner is None:
        raise ValueError('a box has no "bbox"')
    return _text(entry, "category"), *corner
