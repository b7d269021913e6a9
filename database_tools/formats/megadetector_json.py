r"""MegaDetector's batch output, versions 1.0 to 1.6: what was found in each picture.

    {"info": {"detector": "md_v4.1.0.pb", "format_version": "1.6"},
     "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
     "images": [
      {"file": "a/b.jpg",
       "detections": [{"category": "1", "conf": 0.926, "bbox": [0.1, 0.2, 0.5, 0.25]}]},
      {"file": "a/empty.jpg", "detections": []},
      {"file": "a/bad.jpg", "failure": "image access failure", "detections": null}]}

``bbox`` is x, y, width, height, relative to the displayed picture.  What differs in the wild, and
is read here: top-level keys in any order; ``max_detection_conf`` (before 1.3); failures without
``detections`` (1.1 to 1.4); ``format_version`` as a number (before 1.6); a vehicle is "4" in 1.0;
whole numbers without a decimal point; backslashes in paths; keys of later tools, which are kept.
With a warning: no ``info`` or no version in it, or the version of another tool.  A picture with
NaN or infinity is read as a failure; numbers in other units are an error that guesses which.

Files of millions of pictures are read and written as streams.  Written is 1.6, or 1.0 as the
tools of 2021 did: images first, each with ``max_detection_conf``, a failure without
``detections`` and in their words, zero as a whole number, an indent of 1.

Source: https://lila.science/megadetector-output-format
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from database_tools.core import detection_numbers, reasons
from database_tools.core.errors import FormatError
from database_tools.durable import files
from database_tools.formats import json_stream

log = logging.getLogger(__name__)

FORMAT_VERSION, OLDEST_VERSION = "1.6", "1.0"
_ACCESS = "image access failure"


_NOTHING: Mapping[str, Any] = {}


class Box(NamedTuple):  # made five times as fast as a dataclass, millions of times
    """One entry of ``detections``.

    Attributes:
        category: id; it may be missing from ``detection_categories``, which then means nothing.
        conf: in [0, 1].
        bbox: x, y, width, height, relative.
        classifications: (category id, confidence), as the file has them.
        extra: other keys, e.g. ``frame_number``.
    """

    category: str
    conf: float
    bbox: tuple[float, float, float, float]
    classifications: tuple[tuple[str, float], ...] = ()
    extra: Mapping[str, Any] = _NOTHING


class Image(NamedTuple):
    """One entry of ``images``.

    Attributes:
        file: path with forward slashes.
        boxes: empty if nothing was found; None if the picture was not processed.
        failure: why it was not, in the writer's words; None if it was.
        extra: other keys, e.g. ``meta``; without ``max_detection_conf``, which the boxes tell.
    """

    file: str
    boxes: tuple[Box, ...] | None
    failure: str | None = None
    extra: Mapping[str, Any] = _NOTHING


@dataclass(frozen=True)
class Header:
    """Everything but ``images``; categories are id to name, and ``extra`` other top-level keys.

    The ``format_version`` of ``info`` is a string here.
    """

    info: Mapping[str, Any]
    detection_categories: Mapping[str, str]
    classification_categories: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


def read_header(path: Path, *, whole: bool = True) -> Header:
    """Read everything but the images; if not ``whole``, what comes behind them may be left out."""
    table: dict[str, Any] = {}
    for key, start, value in json_stream.stretches(path):
        if start is None:
            table[key] = value
        elif key != "images":
            table[key].extend(value)
        if not whole and table.keys() >= {"info", "detection_categories", "images"}:
            break
    if not isinstance(table.pop("images", None), list):
        raise FormatError(path, "top level", f'no list "images"; its keys are {sorted(table)}')
    if "detection_categories" not in table:
        keys = sorted([*table, "images"])
        rule = f'no "detection_categories", so this is no batch output; its keys are {keys}'
        raise FormatError(path, "top level", rule)
    categories = _names(path, "detection_categories", table.pop("detection_categories"))
    return Header(
        _info(path, table.pop("info", None)),
        categories,
        _names(path, "classification_categories", table.pop("classification_categories", None)),
        table,
    )


def _info(path: Path, info: object) -> dict[str, Any]:
    """Return what the file tells of itself, as far as it does."""
    known = info if isinstance(info, dict) else {}
    version = known.get("format_version")
    if version is None:
        log.warning('WARNING: %s: info: no "format_version"; read as 1.0 to 1.6 are', path)
        return known
    if str(version).split(".")[0] != "1":
        message = "WARNING: %s: info: format_version %s is not one of 1.0 to 1.6; read as these are"
        log.warning(message, path, version)
    return {**known, "format_version": str(version)}


def _names(path: Path, place: str, table: object) -> dict[str, str]:
    if table is None and place == "classification_categories":
        return {}
    if not isinstance(table, dict):
        raise FormatError(path, place, "expected an object from category id to name")
    return {str(key): str(name) for key, name in table.items()}


def images(path: Path) -> Iterator[Image]:
    """Yield the images in the file's order."""
    return entries(path, "images", image)


def entries(path: Path, member: str, read: Callable[[Any], Image]) -> Iterator[Image]:
    """Yield what ``read`` makes of each element of a list at the top level; else as ``images``."""
    for key, start, values in json_stream.stretches(path):
        if key != member or start is None:
            continue
        if read is image and (usual := _usual(values)) is not None:
            yield from usual
            continue
        for i, entry in enumerate(values, start):
            try:
                yield read(entry)
            except (ValueError, TypeError, KeyError) as error:
                name = entry.get("file", entry.get("filepath")) if type(entry) is dict else entry
                place = f"{member}[{i}] ({json.dumps(name)[:200]})"
                raise FormatError(path, place, _said(error)) from None


def _said(error: Exception) -> str:
    return f"no key {error}" if isinstance(error, KeyError) else str(error)


def _usual(values: list[Any]) -> list[Image] | None:
    """Read images whose every value is as nearly all are, in half the time; else None."""
    try:
        names = [entry["file"] for entry in values]
        found = [entry["detections"] for entry in values]
        boxes = list(chain.from_iterable(found))
        categories, scores = [box["category"] for box in boxes], [box["conf"] for box in boxes]
        corners = [box["bbox"] for box in boxes]
        numbers = [*scores, *chain.from_iterable(corners)]
        keys = set().union(*values)
        sizes = {*map(len, boxes)} <= {3} and {*map(len, corners)} <= {4}
    except (TypeError, KeyError):
        return None
    texts = {*map(type, names), *map(type, categories)} == {str}
    lists = {*map(type, found), *map(type, corners)} == {list}
    floats = {*map(type, numbers)} <= {float, int}
    if not (texts and lists and floats and sizes and keys <= _USUAL_KEYS):
        return None
    # A sum is NaN, and so not at least 0, if one of its numbers is.
    if not (min(numbers, default=0) >= 0 and max(numbers, default=0) <= 1 and sum(numbers) >= 0):
        return None
    sides = [map(float, chain.from_iterable(corners))] * 4
    made = map(Box, categories, map(float, scores), zip(*sides, strict=True))
    return [
        Image(name.replace("\\", "/"), tuple(islice(made, len(its))))
        for name, its in zip(names, found, strict=True)
    ]


def image(entry: Any) -> Image:
    """Read one entry of ``images``; raise ValueError, TypeError or KeyError if it breaks a rule."""
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise ValueError('expected an object with "file", a text')
    rest = _others(entry, _IMAGE_KEYS)
    failure, found = entry.get("failure"), entry.get("detections")
    if found is not None and not isinstance(found, list):
        raise ValueError("detections are not a list")
    if failure is not None:
        # Some writers give a failed picture an empty list, which would read as "no animal".
        failure, found = str(failure), None
    boxes = None if found is None else tuple(map(_box, found))
    if boxes and not all(map(_is_usual, boxes)):
        if not all(map(_is_finite, boxes)):
            failure, boxes = reasons.NOT_FINITE, None
        for box in boxes or ():
            detection_numbers.check((box.conf,), box.bbox)
    return Image(entry["file"].replace("\\", "/"), boxes, failure, rest)


_LARGEST = float(np.finfo(np.float32).max)
_USUAL_KEYS = {"file", "detections", "max_detection_conf"}
_IMAGE_KEYS = {"failure", *_USUAL_KEYS}
_BOX_KEYS = {"category", "conf", "bbox", "classifications"}


def _box(entry: Any) -> Box:
    corners = entry["bbox"]
    if not isinstance(corners, list) or len(corners) != 4:
        raise ValueError(f"bbox: expected 4 numbers, got {json.dumps(corners)[:80]}")
    x, y, width, height = corners
    if not type(x) is type(y) is type(width) is type(height) is float:
        x, y, width, height = map(_number, corners)
    said = entry.get("classifications")
    classes = tuple((str(name), _number(conf)) for name, conf in said) if said else ()
    category, conf, rest = str(entry["category"]), _number(entry["conf"]), _others(entry, _BOX_KEYS)
    return Box(category, conf, (x, y, width, height), classes, rest)


def _others(entry: dict[str, Any], known: set[str]) -> Mapping[str, Any]:
    if entry.keys() <= known:  # nearly always
        return _NOTHING
    return {key: value for key, value in entry.items() if key not in known}


def _number(value: Any) -> float:
    if type(value) is float:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, got {json.dumps(value)[:80]}")
    try:
        return float(value)
    except OverflowError:  # a whole number of more digits than a float holds
        return math.inf


def _is_usual(box: Box) -> bool:
    """Say at once of nearly every box that its numbers are as they must be."""
    x, y, width, height = box.bbox
    inside = 0 <= box.conf <= 1 and 0 <= x <= 1 and 0 <= y <= 1
    return inside and 0 <= width <= 1 and 0 <= height <= 1 and not box.classifications


def _is_finite(box: Box) -> bool:
    x, y, width, height = box.bbox
    classes = (conf for _, conf in box.classifications)
    numbers = (box.conf, x, y, width, height, x + width, y + height, *classes)
    # Python's own comparison: numpy takes ten times as long for so few.
    return all(-_LARGEST <= value <= _LARGEST for value in numbers)


def failure_text(reason: str) -> str:
    """Say why a picture was not processed, with MegaDetector's own words where it has them."""
    return f"{_ACCESS}: {reason}" if reason in reasons.READING else reason


def failure_reason(text: str) -> str:
    """Return the reason that a failure's text gives; inverse of ``failure_text``."""
    reason = text.removeprefix(f"{_ACCESS}: ")
    return reason if reason in reasons.READING else text


@contextlib.contextmanager
def writing(
    path: Path, header: Header, version: str = FORMAT_VERSION
) -> Iterator[Writer | OldWriter]:
    """Write a file of this or the oldest version, picture by picture; it appears in the end."""
    kind: type[Writer] | type[OldWriter] = Writer if version == FORMAT_VERSION else OldWriter
    with files.writing(path) as stream:
        writer = kind(stream, header)
        yield writer
        writer.close()


class Writer:
    """Writes images of version 1.6 as they come; make it with ``writing``."""

    def __init__(self, stream: IO[str], header: Header) -> None:
        self._write, self._separator = stream.write, "\n"
        table = {**_top(header, FORMAT_VERSION), **header.extra}
        self._write(_dumps(table)[:-1] + ', "images": [')

    def add(self, image: Image) -> None:
        """Write one image."""
        self._write(self._separator + text(image))
        self._separator = ",\n"

    def close(self) -> None:
        """End the file."""
        self._write("\n]}\n")


class OldWriter:
    """Writes images of version 1.0 as they come; make it with ``writing``."""

    def __init__(self, stream: IO[str], header: Header) -> None:
        self._write, self._header, self._separator = stream.write, header, ""
        self._write('{\n "images": [')

    def add(self, image: Image) -> None:
        """Write one image."""
        entry: dict[str, Any] = {"file": image.file, **image.extra}
        if image.failure is not None:
            entry["failure"] = _old_failure(image.failure)
        elif image.boxes is None:
            entry["detections"] = None
        else:
            entry["max_detection_conf"] = _old(max((box.conf for box in image.boxes), default=0))
            entry["detections"] = [_entry(box) for box in image.boxes]
        # Texts in JSON hold no line break, so each is the start of a line.
        self._write(f"{self._separator}\n{_dumps(entry, 1)}".replace("\n", "\n  "))
        self._separator = ","

    def close(self) -> None:
        """End the file."""
        table = _top(self._header, OLDEST_VERSION)
        order = ("detection_categories", "info", "classification_categories")
        rest = {key: table[key] for key in order if key in table} | dict(self._header.extra)
        self._write(("\n " if self._separator else "") + "]," + _dumps(rest, 1)[1:])


def _top(header: Header, version: str) -> dict[str, Any]:
    table = {
        "info": {**header.info, "format_version": version},
        "detection_categories": dict(header.detection_categories),
    }
    if header.classification_categories:
        table["classification_categories"] = dict(header.classification_categories)
    return table


def _entry(box: Box) -> dict[str, Any]:
    corners = list(map(_old, box.bbox))
    entry: dict[str, Any] = {"category": box.category, "conf": _old(box.conf), "bbox": corners}
    if box.classifications:
        entry["classifications"] = [[name, _old(conf)] for name, conf in box.classifications]
    return {**entry, **box.extra}


def text(image: Image) -> str:
    """Return the JSON of one image in version 1.6, on one line."""
    rest = image.extra
    if image.failure is not None:
        rest = {**rest, "failure": image.failure}
    members = f", {_dumps(rest)[1:-1]}" if rest else ""
    boxes = image.boxes if image.failure is None else None
    found = "null" if boxes is None else f"[{', '.join(map(_written, boxes))}]"
    return f'{{"file": {_dumps(image.file)}{members}, "detections": {found}}}'


def _old(value: float) -> float:
    """Return a number as tools of 2021 write it: zero is a whole number."""
    return float(value) or 0


def _old_failure(text: str) -> str:
    """Return the word of 2021 for a failure of ours; other texts stay."""
    if text == _ACCESS or failure_reason(text) in reasons.READING:
        return "Failure image access"
    of_detector = text in (reasons.DETECTOR_FAILED, reasons.NOT_FINITE)
    return "Failure TF inference" if of_detector else text


_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False)
"""Made once: ``json.dumps`` makes one at each call."""


def _dumps(value: Mapping[str, Any] | str, indent: int | None = None) -> str:
    if indent is None:
        return files.escape_surrogates(_ENCODER.encode(value))
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=indent)
    return files.escape_surrogates(text)


def _written(box: Box) -> str:
    corners = ", ".join(map(number, box.bbox))
    text = f'{{"category": {_quoted(box.category)}, "conf": {number(box.conf)}'
    text += f', "bbox": [{corners}]'
    if box.classifications:  # never null: Timelapse refuses the whole file then
        classes = [f"[{_quoted(name)}, {number(conf)}]" for name, conf in box.classifications]
        text += f', "classifications": [{", ".join(classes)}]'
    return text + (", " + _dumps(box.extra)[1:] if box.extra else "}")


_quoted = functools.lru_cache(json.dumps)
"""Of category ids, which are few."""


def number(value: float) -> str:
    """Write a number in full and with a decimal point, which makes it a float everywhere.

    ``1.0`` and ``0.00001``, not ``1`` and ``1e-05``.  Reading gives the same number back.
    """
    text = repr(float(value))
    if "e" in text:
        return np.format_float_positional(value, trim="0")
    if "n" in text:
        raise ValueError(f"{text} is no number in JSON")
    return text
