"""What COCO files share: an object of lists of objects, ids, texts and numbers.

    {"images": [{"id": 7, "file_name": "a.jpg"}, ...], "annotations": [...], "categories": [...]}

A file of one of the formats is read by makers, one for each list: functions from some elements to
their rows, which raise KeyError or ValueError for what one lacks.  ``Members`` makes them of the
functions below, each of which reads one member.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import NoneType
from typing import Any

from database_tools.core.annotations import ImageId
from database_tools.core.errors import FormatError, shown
from database_tools.formats import json_stream

log = logging.getLogger(__name__)

Entry = dict[str, Any]
Box = tuple[float, float, float, float]
Reader = Callable[[Entry, str], Any]
Maker = Callable[[Sequence[Entry]], Sequence[Any]]

_EXACT_BELOW = 2**53
"""Whole numbers from here on are not all told apart as floats, as which some come."""

_WRONG = (KeyError, AttributeError, ValueError)


def stretches(
    path: Path, makers: Mapping[str, Maker]
) -> Iterator[tuple[str, int, list[Entry], Sequence[Any]]]:
    """Read the lists that have a maker, all of which must be there, in the order of the file.

    Yields:
        (list, position of the first, elements, what their maker made of them).
    """
    present: set[str] = set()
    for key, start, value in json_stream.stretches(path):
        name = "annotations" if key == "annotation" else key
        if name not in makers:
            continue
        if start is None:
            if value != []:
                raise FormatError(path, f'"{key}"', f"expected a list, got {shown(value)}")
            present.add(key)
            continue
        try:
            made = makers[name](value)
        except _WRONG:
            raise _told(path, key, start, value, makers[name]) from None
        yield name, start, value, made
    _check_lists(path, present, makers)


def _check_lists(path: Path, present: set[str], needed: Mapping[str, object]) -> None:
    if {"annotation", "annotations"} <= present:
        raise FormatError(path, "top level", 'both "annotation" and "annotations"')
    if "annotation" in present:
        log.warning('%s: reading "annotation" as "annotations"', path)
        present.add("annotations")
    for key in needed:
        if key not in present:
            raise FormatError(path, "top level", f'no list "{key}"')


def _told(path: Path, key: str, start: int, entries: Sequence[Any], make: Maker) -> FormatError:
    """Say which of some elements is wrong, and what it lacks."""
    for position, entry in enumerate(entries, start):
        place = f"{key}[{position}]"
        if not isinstance(entry, dict):
            return FormatError(path, place, f"expected an object, got {shown(entry)}")
        try:
            make([entry])
        except KeyError as error:
            keys = ", ".join(map(str, entry)) or "none"
            return FormatError(path, place, f'no key "{error.args[0]}"; its keys are {keys}')
        except ValueError as error:
            if isinstance(file := entry.get("file_name"), str):
                place = f'{place} ("{file}")'
            return FormatError(path, place, str(error))
    raise AssertionError(f"{path}: {key} from {start} on: wrong together, right alone")


_EXACT: dict[Reader, frozenset[type]] = {}


def exact(*types: type) -> Callable[[Reader], Reader]:
    """Say of a reader that it returns values of these types as they are."""

    def declare(reader: Reader) -> Reader:
        _EXACT[reader] = frozenset(types)
        return reader

    return declare


class Members:
    """Reads the same members of many elements.

    Where all values of a member have types that its reader returns as they are, they are taken
    without asking the reader: there are millions.
    """

    def __init__(self, *readers: tuple[str, Reader]) -> None:
        """Take (key, its reader), in the order in which values are wanted."""
        self._readers = readers

    def __call__(self, entries: Sequence[Entry]) -> list[tuple[Any, ...]]:
        """Return each element's values; raise KeyError or ValueError for one that is wrong."""
        columns = []
        for key, reader in self._readers:
            column = [entry.get(key) for entry in entries]
            if not _EXACT[reader].issuperset(map(type, column)):
                column = [reader(entry, key) for entry in entries]
            columns.append(column)
        return list(zip(*columns, strict=True))


@exact(int, str)
def identity(entry: Entry, key: str) -> ImageId:
    """Return a whole number or a text."""
    value = entry[key]
    if type(value) is not str and type(value) is not int:
        value = plain(value)
        if type(value) is not int or abs(value) >= _EXACT_BELOW:
            raise ValueError(f'"{key}" must be a whole number or a text, got {shown(entry[key])}')
    return value


@exact(str)
def text(entry: Entry, key: str) -> str:
    """Return a text."""
    value = entry[key]
    if type(value) is not str:
        raise ValueError(f'"{key}" must be a text, got {shown(value)}')
    return value


@exact(str, NoneType)
def words(entry: Entry, key: str) -> str | None:
    """Return a text, also of a number; None for none."""
    value = _optional(entry, key, lambda v: not isinstance(v, list | dict), "a text")
    return None if value is None else str(value)


@exact(int, NoneType)
def whole(entry: Entry, key: str) -> int | None:
    """Return a whole number; None for none."""
    value: int | None = _optional(entry, key, lambda v: type(v) is int, "a whole number")
    return value


@exact(bool, NoneType)
def flag(entry: Entry, key: str) -> bool | None:
    """Return true or false, which may be written as 1 and 0; None for none."""
    value = _optional(entry, key, lambda v: v in (0, 1), "true or false")
    return None if value is None else bool(value)


def _optional(entry: Entry, key: str, is_right: Callable[[Any], bool], wanted: str) -> Any:
    value = plain(entry.get(key))
    if value is not None and not is_right(value):
        raise ValueError(f'"{key}" must be {wanted}, got {shown(value)}')
    return value


@exact(NoneType)
def box(entry: Entry, key: str) -> Box | None:
    """Return (x, y, width, height); None for none, also for an empty list."""
    value = plain(entry.get(key))
    if value is None or value == []:
        return None
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        raise ValueError(f'"{key}" must be [x, y, width, height], got {shown(value)}')
    x, y, width, height = map(float, value)
    return x, y, width, height


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def plain(value: Any) -> Any:
    """Return None for NaN, and 3 for 3.0: tables with gaps turn whole numbers into these."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if value.is_integer():
            return int(value)
    return value
