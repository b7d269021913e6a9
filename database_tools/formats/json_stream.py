"""Large JSON files, one element at a time: an object whose values are long lists.

    {"info": {...}, "images": [{...}, {...}, ...], "annotations": [...]}

Python's own decoder reads each element, so that bare NaN and Infinity, which many tools write,
are understood; a whole file of a million pictures would take gigabytes as Python objects, and
ijson, which streams too, refuses NaN.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any, TextIO

from database_tools.core.errors import FormatError, UserError

_CHUNK = 1 << 20


def members(path: Path) -> Iterator[tuple[str, int | None, Any]]:
    """Yield what an object at the top level holds, in the order of the file.

    Yields:
        (key, position, element) for each element of a list, (key, None, value) for any other
        value; for a list also (key, None, []) before its elements, so that empty ones show.

    Raises:
        UserError: if there is no such file.
        FormatError: where it is not JSON in UTF-8 (a byte order mark is tolerated), or when the
            top level is not an object.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from _Decoder(path, file).members()
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path}: {(error.strerror or '').lower()}") from None


class _Decoder:
    """A window on the file's text; ``place`` says what was read last."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._file = file
        self._text = ""
        self._position = 0
        self._ended = False
        self._decode = json.JSONDecoder().raw_decode
        self._place = "top level"

    def members(self) -> Iterator[tuple[str, int | None, Any]]:
        """Yield as the module's ``members`` does."""
        self._expect("{", "expected an object")
        if self._next() != "}":
            while True:
                yield from self._member()
                if not self._comma("}"):
                    break
        self._position += 1
        if self._next():
            raise self._error("more text after the end")

    def _member(self) -> Iterator[tuple[str, int | None, Any]]:
        key = self._value()
        if not isinstance(key, str):
            raise self._error(f"expected a key, got {key!r}")
        self._place = f'"{key}"'
        self._expect(":", 'expected ":"')
        if self._next() != "[":
            yield key, None, self._value()
            return
        self._position += 1
        yield key, None, []
        if self._next() != "]":
            position = 0
            while True:
                self._place = f"{key}[{position}]"
                yield key, position, self._value()
                position += 1
                if not self._comma("]"):
                    break
        self._position += 1

    def _comma(self, end: str) -> bool:
        """Go past a comma, or stay at the end of the list or object."""
        mark = self._next()
        if mark == ",":
            self._position += 1
            return True
        if mark != end:
            raise self._error(f'expected "," or "{end}" after it, got {mark!r}')
        return False

    def _expect(self, mark: str, rule: str) -> None:
        if (found := self._next()) != mark:
            raise self._error(f"{rule}, got {found!r}")
        self._position += 1

    def _next(self) -> str:
        """Return the next character that is no white space, without taking it; "" at the end."""
        while True:
            self._position = WHITESPACE.match(self._text, self._position).end()
            if self._position < len(self._text):
                return self._text[self._position]
            if not self._read_more():
                return ""

    def _value(self) -> Any:
        self._next()
        while True:
            try:
                value, end = self._decode(self._text, self._position)
            except (ValueError, RecursionError) as error:
                # It may go on beyond the window.
                if self._read_more():
                    continue
                message = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                raise self._error(f"not JSON: {message}") from None
            # A number near the window's end may go on: 12 | 34, or 12 and "e+" | 34.
            if len(self._text) - end > len("e+") or not self._read_more():
                self._position = end
                return value

    def _read_more(self) -> bool:
        """Lengthen the window, dropping what was decoded; tell whether there was more."""
        if self._ended:
            return False
        rest = self._text[self._position :]
        try:
            # At least doubling keeps the cost linear however long one element is.
            more = self._file.read(max(_CHUNK, len(rest)))
        except UnicodeDecodeError as error:
            raise self._error(f"not UTF-8 text: {error.reason}") from None
        if not more:
            self._ended = True
            return False
        self._text, self._position = rest + more, 0
        return True

    def _error(self, rule: str) -> FormatError:
        return FormatError(self._path, self._place, rule)
