"""Pictures in events, and the crops of each.

An event is what has one ``seq_id`` at one location; of other pictures, those of one location that
follow each other by less than a gap.  A picture of which too little is known is an event alone.

Pictures and crops come in orders of their own, and a million crops with all probabilities are
gigabytes; so they wait in an SQLite file of no name, which is gone when the program is.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from database_tools.core import names
from database_tools.core.errors import UserError
from database_tools.core.names import CropName
from database_tools.datasets.shots import Shot
from database_tools.formats.megadetector_json import Image

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_SETTINGS = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
CREATE TABLE shots (key BLOB PRIMARY KEY, sequence BLOB, time REAL, location BLOB) WITHOUT ROWID;
CREATE TABLE pictures (
    key BLOB PRIMARY KEY, file BLOB, sequence BLOB, time REAL, location BLOB, boxes BLOB);
CREATE TABLE crops (key BLOB, box INTEGER, path BLOB, vector BLOB);
"""
_Known = tuple[bytes | None, float | None, bytes | None]
"""Sequence, time and location of a picture."""

_AT_ONCE = 900  # as many values as older SQLite takes


class Event(NamedTuple):
    """Pictures and crops of one event.

    Attributes:
        id: each once.
        location: empty if nobody knows, as are the next.
        start: time of the first picture, e.g. ``2021-05-03 06:12:00``.
        end: time of the last.
        files: pictures in the order of time.
        paths: n crops, picture by picture.
        vectors: (n, C) what was said of them.
        confidences: (n,) of their boxes.
        kinds: (n,) categories of their boxes; of a box that is not there, a number of its own.
    """

    id: str
    location: str
    start: str
    end: str
    files: Sequence[str]
    paths: list[str]
    vectors: Floats
    confidences: Floats
    kinds: Ints


class Events:
    """Add shots, pictures and crops in this order; then ask for the events.

    Attributes:
        pictures: that were added.
        alone: how many of them are events alone, as too little is known.
        examples: one of these, and one that the shots have; empty for none.
    """

    def __init__(self, num_labels: int) -> None:
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(_SETTINGS)
        self._num_labels = num_labels
        self._kinds: dict[str, int] = {}
        self.pictures = self.alone = 0
        self.examples = ("", "")

    def add_shots(self, shots: Iterable[tuple[str, Shot]]) -> None:
        """Say when and where pictures were taken; of one that is there twice the first counts."""
        rows = ((_key(name), *_columns(shot)) for name, shot in shots)
        self._insert("OR IGNORE INTO shots VALUES (?,?,?,?)", rows)
        last = self._base.execute("SELECT key FROM shots LIMIT 1").fetchone()
        self.examples = ("", "" if last is None else names.decode(last[0]))

    def add_pictures(
        self, images: Iterable[Image], look: Callable[[str], Shot] | None = None
    ) -> None:
        """Add what was detected.

        Args:
            images: with their boxes.
            look: tells of a picture by its name; None asks the shots that were added, for the
                name and for what follows its first folder, which may be the dataset's.
        """
        rows = (self._picture(image, look) for image in images)
        self._insert("OR IGNORE INTO pictures VALUES (?,?,?,?,?,?)", rows)

    def _picture(
        self, image: Image, look: Callable[[str], Shot] | None
    ) -> tuple[bytes | float | None, ...]:
        shot = _columns(look(image.file)) if look else self._shot(image.file)
        self.pictures += 1
        if shot is None or (shot[0] is None and None in shot[1:]):
            self.alone += 1
            self.examples = (image.file, self.examples[1])
        boxes = [
            (box.conf, self._kinds.setdefault(box.category, len(self._kinds)))
            for box in image.boxes or ()
        ]
        content = np.array(boxes, "<f4").tobytes()
        return _key(image.file), names.encode(image.file), *(shot or (None, None, None)), content

    def _shot(self, name: str) -> _Known | None:
        for said in (name, names.tidy(name).partition("/")[2]):
            query = "SELECT sequence, time, location FROM shots WHERE key = ?"
            if found := self._base.execute(query, (_key(said),)).fetchone():
                return found
        return None

    def add_crops(self, paths: Sequence[str], vectors: Floats) -> None:
        """Add n crops with (n, C) probabilities; raise ValueError if a path is not a crop's."""
        crops = [CropName.parse(names.tidy(path)) for path in paths]
        blobs = (row.tobytes() for row in vectors.astype("<f4"))
        rows = zip(
            (_key(crop.image) for crop in crops),
            (crop.box for crop in crops),
            map(names.encode, paths),
            blobs,
            strict=True,
        )
        self._insert("INTO crops VALUES (?,?,?,?)", rows)

    def _insert(self, what: str, rows: Iterable[tuple[object, ...]]) -> None:
        self._base.execute("BEGIN")
        self._base.executemany(f"INSERT {what}", rows)
        self._base.execute("COMMIT")

    def events(self, gap: float) -> Iterator[Event]:
        """Yield the events by location and time, each with its crops.

        Args:
            gap: seconds; pictures that follow each other by less are of one event.

        Raises:
            UserError: if a crop was added twice.
        """
        try:
            self._base.execute("CREATE UNIQUE INDEX places ON crops (key, box)")
        except sqlite3.IntegrityError:
            query = "SELECT path FROM crops GROUP BY key, box HAVING COUNT(*) > 1 LIMIT 1"
            path = names.decode(self._base.execute(query).fetchone()[0])
            raise UserError(f"{path}: the crop is there twice") from None
        query = "SELECT * FROM pictures ORDER BY location, sequence, time, key"
        rows = map(_Picture._make, self._base.execute(query))
        event: list[_Picture] = []
        for row in rows:
            if event and not _follows(event[-1], row, gap):
                yield self._event(event)
                event = []
            event.append(row)
        if event:
            yield self._event(event)

    def _event(self, pictures: list[_Picture]) -> Event:
        boxes = {row.key: np.frombuffer(row.boxes, "<f4").reshape(-1, 2) for row in pictures}
        crops = list(self._crops(list(boxes)))
        facts = [
            boxes[key][box] if box < len(boxes[key]) else (0.0, -1.0 - i)
            for i, (key, box, _, _) in enumerate(crops)
        ]
        confidences, kinds = np.array(facts, np.float64).reshape(-1, 2).T
        files = [names.decode(row.file) for row in pictures]
        start, end = _moment(pictures[0].time), _moment(pictures[-1].time)
        place, sequence = (
            "" if told is None else names.decode(told)
            for told in (pictures[0].location, pictures[0].sequence)
        )
        located = pictures[0].location is not None and start
        return Event(
            "/".join(filter(None, (place, sequence or start))) if sequence or located else files[0],
            place,
            start,
            end,
            files,
            [names.decode(path) for _, _, path, _ in crops],
            self._vectors(vector for *_, vector in crops),
            confidences,
            kinds.astype(np.int64),
        )

    def _crops(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, int, bytes, bytes]]:
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            query = "SELECT key, box, path, vector FROM crops WHERE key IN (%s)"
            found = self._base.execute(query % ",".join("?" * len(some)), some).fetchall()
            order = {key: i for i, key in enumerate(some)}
            yield from sorted(found, key=lambda row: (order[row[0]], row[1]))

    def strays(self) -> Iterator[tuple[list[str], Floats]]:
        """Yield the crops whose picture was not added, some at a time."""
        query = "SELECT path, vector FROM crops WHERE key NOT IN (SELECT key FROM pictures)"
        cursor = self._base.execute(query)
        while rows := cursor.fetchmany(_AT_ONCE):
            yield (
                [names.decode(path) for path, _ in rows],
                self._vectors(vector for _, vector in rows),
            )

    def _vectors(self, blobs: Iterable[bytes]) -> Floats:
        found = np.frombuffer(b"".join(blobs), "<f4").reshape(-1, self._num_labels)
        return found.astype(np.float64)


class _Picture(NamedTuple):
    """A row of the table, in its order."""

    key: bytes
    file: bytes
    sequence: bytes | None
    time: float | None
    location: bytes | None
    boxes: bytes


def _follows(last: _Picture, row: _Picture, gap: float) -> bool:
    if (last.location, last.sequence) != (row.location, row.sequence):
        return False
    if row.sequence is not None:
        return True
    timed = last.time is not None and row.time is not None and row.location is not None
    return timed and row.time - last.time < gap  # type: ignore[operator]


def _moment(time: float | None) -> str:
    return "" if time is None else f"{datetime.fromtimestamp(int(time), UTC):%Y-%m-%d %H:%M:%S}"


def _columns(shot: Shot) -> _Known:
    sequence, location = (
        x if x is None else names.encode(x) for x in (shot.sequence, shot.location)
    )
    return sequence, None if math.isnan(shot.time) else shot.time, location


def _key(name: str) -> bytes:
    return names.encode(names.key(names.tidy(name)))
