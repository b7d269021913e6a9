"""Large JSON files, a stretch at a time: an object whose values are long lists.

    {"info": {...}, "images": [{...}, {...}, ...], "annotations": [...]}

Bare NaN and Infinity, which many tools write, are understood, by Python's own decoder where orjson
refuses them; a whole file of a million pictures would take gigabytes as Python objects, and ijson,
which streams too, refuses NaN.

Decoding hundreds of elements in one call takes a third of the time.  Where such a stretch may end
is guessed: at the last place in the window that looks as the first element's end and the second's
begin did, e.g. ``}, {"id":``.  The guess proves itself: within a text or a deeper list the
stretch would not be JSON, and then the elements are decoded one by one.  So are members that are
objects, up to ``}, "``, unless a name is there twice.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from pathlib import Path
from typing import Any, TextIO

from database_tools.core import json_text
from database_tools.core.errors import FormatError
from database_tools.core.json_text import JsonError
from database_tools.durable import files

_CHUNK = 1 << 16

_TOKEN = 16
"""Characters from the window's end within which a mistake may be a cut: ``-Infini``, ``\\u00e``."""

_BETWEEN = re.compile(r'\}\s*,\s*\{\s*"[^"\\]*"\s*:')
_NEXT_MEMBER = re.compile(r'\}\s*,\s*"')


def stretches(path: Path) -> Iterator[tuple[str, int | None, Any]]:
    """Yield what an object at the top level holds, in the order of the file.

    Yields:
        (key, position of the first, elements) for each stretch of a list, (key, None, value) for
        any other value; for a list also (key, None, []) before it, so that empty ones show.

    Raises:
        FormatError: where it is not JSON in UTF-8 (a byte order mark is tolerated), or when the
            top level is not an object.
    """
    with _opened(path) as file:
        yield from _Decoder(path, file).members()


def elements(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (position, element) of a list at the top level; raise as ``stretches``."""
    with _opened(path) as file:
        for start, values in _Decoder(path, file).elements():
            yield from enumerate(values, start)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    with io.TextIOWrapper(files.opened(path), encoding="utf-8-sig") as file:
        yield file


class _Decoder:
    """A window on the file's text; ``place`` says what was read last."""

    def __init__(self, path: Path, file: TextIO) -> None:
        self._path = path
        self._file = file
        self._text = ""
        self._position = 0
        self._ended = False
        self._place = "top level"
        # Between two elements of this list; None: not seen yet, "": no use.
        self._between: str | None = None
        self._next_member: str | None = None  # the same between two members of the top level

    def members(self) -> Iterator[tuple[str, int | None, Any]]:
        """Yield as the module's ``stretches`` does."""
        self._expect("{", "expected an object")
        if self._next() != "}":
            while True:
                yield from self._objects() or self._member()
                seen = _NEXT_MEMBER.match(self._text, self._position - 1)
                if self._next_member is None and seen:
                    self._next_member = seen[0]
                if not self._comma("}"):
                    break
                self._next()
        self._end()

    def elements(self) -> Iterator[tuple[int, list[Any]]]:
        """Yield (position of the first, elements) for each stretch of a list at the top level."""
        self._expect("[", "expected a list")
        if self._next() != "]":
            yield from ((start, values) for _, start, values in self._elements(""))
        self._end()

    def _end(self) -> None:
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
            yield from self._elements(key)
        self._position += 1

    def _objects(self) -> list[tuple[str, None, Any]]:
        """Decode the members that lie whole in the window, without the last; none: no guess."""
        end = self._text.rfind(self._next_member, self._position) if self._next_member else -1
        if end < 0:
            return []
        text = self._text[self._position : end + 1]
        try:
            table = json_text.loads_quickly(f"{{{text}}}")
        except JsonError:
            table = {}
        # Of a name that is there twice, one would be lost.
        once = len(table) == len(_NEXT_MEMBER.findall(text)) + 1
        if not once or set(map(type, table.values())) != {dict}:
            self._next_member = ""
            return []
        self._position, self._place = end + 1, f'"{next(reversed(table))}"'
        return [(key, None, value) for key, value in table.items()]

    def _elements(self, key: str) -> Iterator[tuple[str, int, list[Any]]]:
        self._between = None
        start = 0
        while True:
            self._place = f"{key}[{start}]"
            elements = self._stretch() or [self._value()]
            yield key, start, elements
            start += len(elements)
            self._place = f"{key}[{start - 1}]"
            if self._between is None and (seen := _BETWEEN.match(self._text, self._position - 1)):
                self._between = seen[0]
            if not self._comma("]"):
                return
            self._next()

    def _stretch(self) -> list[Any]:
        """Decode the elements that lie whole in the window, without the last; none: no guess."""
        end = self._text.rfind(self._between, self._position) if self._between else -1
        if end < 0:
            return []
        try:
            elements: list[Any] = json_text.loads_quickly(
                f"[{self._text[self._position : end + 1]}]"
            )
        except JsonError:
            self._between = ""
            return []
        self._position = end + 1
        return elements

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
                value, end = json_text.decode(self._text, self._position)
            except JsonError as error:
                if self._may_be_cut(error) and self._read_more():
                    continue
                raise self._error(error.rule) from None
            # A number near the window's end may go on: 12 | 34, or 12 and "e+" | 34.
            if len(self._text) - end > len("e+") or not self._read_more():
                self._position = end
                return value

    def _may_be_cut(self, error: JsonError) -> bool:
        """Say whether the value may go on beyond the window, so that more text would help."""
        if error.position is None:
            return False
        return "Unterminated" in error.rule or error.position > len(self._text) - _TOKEN

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
