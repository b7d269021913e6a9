"""Where the rows of a request lie in its bytes, found before anything of it is parsed.

A parsed request takes 3 to 24 times its bytes, and a hostile one is made to take the most.  So the
raw bytes are counted first: how deep lists and objects lie in each other, how many rows there are,
how many values in one.  Then only the frame around the rows is parsed, and each row when its turn
comes::

    {"signature_name": "serving_pixels", "instances": [ROW, ROW, ...]}
                                                       ^ the first list inside an object

The counting is NumPy's, a block at a time, which lets other threads run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from tf_classification.serving.errors import invalid

Places = list[tuple[int, int]]

DEPTH = 16
"""Most lists and objects inside each other; a picture of numbers has 6."""

FRAME = 2**16
"""Largest request without its rows, and largest that is parsed whole, in bytes."""

MARK = "\0rows"
"""Stands in the frame where the rows were."""

_BLOCK = 2**18
_HEAD = 300  # bytes around a picture: its name, brackets, white space
_LONG = 2**20  # most bytes of a row that is parsed whatever it is
_FEW = 1000
"""A row of so few values is parsed whatever it is, for the sake of what can be said about it."""

_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")] = 1
_STEP[list(b"]}")] = -1
_QUOTE, _BACKSLASH, _COMMA, _OPEN = b'"'[0], b"\\"[0], b","[0], b"["[0]
_NUMERIC = b"0123456789+-.eE,[] \t\r\n"
LARGEST_EXACT = 2**24 - 1  # above it float32 has no longer every whole number
_BASE64 = re.compile(rb'\s*(?:\{\s*"([^"\\]{1,100})"\s*:\s*)?\{\s*"b64"\s*:\s*"')


@dataclass(frozen=True)
class Limits:
    """What a request may have: rows, and the shape of the largest row that a signature takes."""

    rows: int = 1024
    shape: tuple[int, ...] = ()

    @property
    def values(self) -> int:
        """Most values in a row."""
        return max(int(np.prod(self.shape)), _FEW)


class Rows:
    """The rows of a request, each parsed when it is asked for."""

    def __init__(self, body: bytes | bytearray, places: Places, limits: Limits) -> None:
        self._body, self._places, self._limits = body, places, limits

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Any]:
        """Yield JSON values; a long list of numbers as a float64 array, base64 as bytes."""
        for i, (start, end) in enumerate(self._places):
            commas = self._body.count(b",", start, end)
            if commas > _FEW:
                self._check(i, commas, self._body.count(b"[", start, end))
                yield _numbers(self._body[start:end])
            elif (picture := self._picture(start, end)) is not None:
                yield picture
            elif end - start > _LONG:
                raise invalid(f"row {i} is no picture in base64 and no list of numbers")
            else:
                yield parse_text(memoryview(self._body)[start:end])

    def _picture(self, start: int, end: int) -> dict[str, Any] | None:
        """Return a picture in base64 as it stands there; None if the row is anything else."""
        view = memoryview(self._body)
        match = _BASE64.match(view[start : min(end, start + _HEAD)])
        if match is None:
            return None
        first = start + match.end()
        last = self._body.find(b'"', first, end)
        if last < 0 or end - last > _HEAD:
            return None
        if b"".join(bytes(view[last + 1 : end]).split()) != (b"}}" if match[1] else b"}"):
            return None
        text: bytes | memoryview = view[first:last]
        if self._body.find(b"\\", first, last) >= 0:  # PHP writes \/, others break lines by \n
            for escaped, plain in ((b"\\/", b"/"), (b"\\n", b""), (b"\\r", b"")):
                text = bytes(text).replace(escaped, plain)
            if b"\\" in text:
                return None
        picture = {"b64": text}
        return picture if not match[1] else {bytes(match[1]).decode("utf-8", "replace"): picture}

    def _check(self, i: int, commas: int, opens: int) -> None:
        """Refuse numbers that are not as many, in as many lists, as a signature takes."""
        shape = self._limits.shape
        lists = sum(int(np.prod(shape[:n])) for n in range(len(shape)))
        if commas + 1 != self._limits.values or opens != lists:
            raise invalid(
                f"row {i} has {commas + 1:,} values in {opens:,} lists; the largest input has "
                f"the shape {list(shape)} in each row"
            )


def split(body: bytes | bytearray, limits: Limits) -> tuple[bytes, Rows | None]:
    """Find the rows of a request.

    Returns:
        The frame, with ``MARK`` for the rows, and the rows; None where there is no list in an
        object, or the request is as small as usual ones.

    Raises:
        RequestError: if there is more than may be.
    """
    opens = body.count(b"[") + body.count(b"{")
    if len(body) <= FRAME and opens <= DEPTH and body.count(b",") < limits.rows:
        return bytes(body), None  # a usual request: too little of all to have too much of any
    scan = _Scan(limits)
    for start in range(0, len(body), _BLOCK):
        size = min(_BLOCK, len(body) - start)
        scan.read(np.frombuffer(body, np.uint8, size, start), start)
        if scan.end is not None:
            break
        if scan.start is None and start + size > FRAME:
            raise invalid(f"no list of rows in the first {FRAME:,} bytes")
    if scan.start is None:
        return bytes(body), None
    if scan.end is None or body[scan.end] != b"]"[0]:
        raise invalid("JSON Parse error: a list is not closed")
    first, last = scan.start + 1, scan.end
    if first + len(body) - last > FRAME:
        raise invalid(f"more than {FRAME:,} bytes beside the rows")
    frame = bytes(body[: scan.start]) + json.dumps(MARK).encode() + bytes(body[last + 1 :])
    starts, ends = [first, *(c + 1 for c in scan.commas)], [*scan.commas, last]
    return frame, Rows(body, list(zip(starts, ends, strict=True)), limits)


class _Scan:
    """Reads a request block by block.

    Attributes:
        start: place of the bracket that opens the rows; None until it is found.
        end: place of the one that closes them.
        commas: places of the commas between rows.
    """

    def __init__(self, limits: Limits) -> None:
        self.start: int | None = None
        self.end: int | None = None
        self.commas: list[int] = []
        self._limits = limits
        self._in_text = self._escape = False  # at the end of the last block
        self._depth = self._level = self._values = 0

    def read(self, block: npt.NDArray[np.uint8], place: int) -> None:
        """Read the next block, which begins at ``place``."""
        text = self._text(block)
        step = np.where(text, 0, _STEP[block])
        depth = self._depth + np.cumsum(step, dtype=np.int32)
        if depth.max(initial=0) > DEPTH:
            raise invalid(f"JSON Parse error: more than {DEPTH} lists and objects in each other")
        self._depth = int(depth[-1])
        first = 0
        if self.start is None:
            lists = np.flatnonzero((block == _OPEN) & ~text & (depth >= 2))
            if not len(lists):
                return
            first = int(lists[0])
            self.start, self._level = place + first, int(depth[first])
        closed = np.flatnonzero(depth[first:] < self._level)
        last = first + int(closed[0]) if len(closed) else len(block)
        self.end = place + last if len(closed) else None
        commas = first + np.flatnonzero((block[first:last] == _COMMA) & ~text[first:last])
        self._count(commas, depth[commas] == self._level, place)

    def _count(
        self, commas: npt.NDArray[np.intp], between: npt.NDArray[np.bool_], place: int
    ) -> None:
        """Add commas between rows and within them."""
        within = np.cumsum(~between) + self._values
        ends = np.flatnonzero(between)
        in_row = np.diff(within[ends], prepend=0)
        if len(commas):
            self._values = int(within[-1] - (within[ends[-1]] if len(ends) else 0))
        if max(self._values, in_row.max(initial=0)) >= self._limits.values:
            raise invalid(f"a row has more than {self._limits.values:,} values")
        self.commas += (commas[ends] + place).tolist()
        if len(self.commas) >= self._limits.rows:
            raise invalid(f"a request may have {self._limits.rows:,} pictures at most")

    def _text(self, block: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """Tell which bytes are inside a string, the closing quotes not."""
        quotes = block == _QUOTE
        slashes = block == _BACKSLASH
        if self._escape or slashes.any():
            quotes &= ~self._escaped(slashes)
        inside = np.logical_xor.accumulate(quotes) ^ self._in_text
        self._in_text = bool(inside[-1])
        return inside

    def _escaped(self, slashes: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Tell which bytes have an odd number of backslashes before them."""
        place = np.arange(len(slashes))
        before = -2 if self._escape else -1  # an open escape counts as one backslash before
        plain = np.maximum.accumulate(np.where(slashes, before, place))
        odd = ((place - plain) & 1).astype(bool)  # of the backslashes up to here
        escaped = np.concatenate(([self._escape], odd[:-1]))
        self._escape = bool(odd[-1])
        return escaped


def parse_text(text: bytes | bytearray | memoryview) -> Any:
    """Parse JSON; NaN and Infinity are legal, as TensorFlow Serving has them.

    Raises:
        RequestError: if it is none.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(bytes(text), parse_float=_finite)
    except json.JSONDecodeError as error:
        message = f"JSON Parse error: {error.msg} at offset: {error.pos}"
    except UnicodeDecodeError as error:
        message = f"JSON Parse error: Invalid encoding in string at offset: {error.start}"
    except (RecursionError, ValueError) as error:
        message = f"JSON Parse error: {str(error)[:100]}"
    raise invalid(message)


def _finite(text: str) -> float:
    number = float(text)
    if not np.isfinite(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _numbers(text: bytes | bytearray) -> Any:
    """Parse a long row: as float64 if it has nothing but numbers that float32 can hold."""
    value = parse_text(text)
    if text.translate(None, _NUMERIC):
        return value
    try:
        array = np.array(value, np.float64)
    except ValueError:  # lists of different lengths: found where their places can be said
        return value
    return array if abs(array).max(initial=0) <= LARGEST_EXACT else value
