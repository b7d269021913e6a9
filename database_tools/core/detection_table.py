"""Detections of many pictures in columns: some bytes for each box, not some objects."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from database_tools.core.detections import NOTHING, Detections, Failure, Found

_FAILED = -1


class DetectionTable:
    """What was found in each picture, by key; keys and their order are the caller's.

    Numbers are held as float32 (``Detections.of_corners``).  A key added twice keeps its place
    and takes the later value.
    """

    def __init__(self) -> None:
        self._row: dict[Hashable, int] = {}
        self._start = array("q")
        self._count = array("i")  # _FAILED: _start is an index of _reasons then
        self._corners = array("f")
        self._scores = array("f")
        self._category = array("i")
        self._categories: dict[str, int] = {}
        self._category_names: list[str] = []
        self._reasons: dict[str, int] = {}
        self._reason_texts: list[str] = []

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._row

    def __iter__(self) -> Iterator[Hashable]:
        return iter(self._row)

    def add(
        self,
        key: Hashable,
        corners: npt.ArrayLike,
        scores: npt.ArrayLike,
        categories: Sequence[str],
    ) -> None:
        """Add a picture's boxes: corners (N, 4) ymin, xmin, ymax, xmax; N scores and categories."""
        self._row[key] = len(self._start)
        self._start.append(len(self._scores))
        self._count.append(len(categories))
        if not categories:
            return
        self._corners.frombytes(np.asarray(corners, np.float32).tobytes())
        self._scores.frombytes(np.asarray(scores, np.float32).tobytes())
        self._category.extend(
            _number(name, self._categories, self._category_names) for name in categories
        )

    def add_failure(self, key: Hashable, reason: str) -> None:
        """Add a picture that could not be looked at."""
        self._row[key] = len(self._start)
        self._start.append(_number(reason, self._reasons, self._reason_texts))
        self._count.append(_FAILED)

    def row(self, key: Hashable) -> int | None:
        """Return the row that a picture has by now; None if the table does not have it."""
        return self._row.get(key)

    def get(self, key: Hashable) -> Found | None:
        """Return what was found in a picture; None if the table does not have it."""
        row = self.row(key)
        return None if row is None else self.found(row)

    def is_failure(self, row: int) -> bool:
        """Say whether the picture of a row could not be looked at."""
        return self._count[row] == _FAILED

    def found(self, row: int) -> Found:
        """Return what was found in the picture of a row."""
        start, count = self._start[row], self._count[row]
        if count == _FAILED:
            return Failure(self._reason_texts[start])
        if not count:
            return NOTHING
        end = start + count
        return Detections.of_corners(
            np.array(self._corners[4 * start : 4 * end], np.float32),
            np.array(self._scores[start:end], np.float32),
            [self._category_names[i] for i in self._category[start:end]],
        )


def _number(text: str, numbers: dict[str, int], texts: list[str]) -> int:
    if (number := numbers.get(text)) is None:
        number = numbers[text] = len(texts)
        texts.append(text)
    return number
