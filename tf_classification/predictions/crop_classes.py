"""The classes of every crop of a classifier's table, found by picture and box.

Crops and pictures come in orders of their own, and a million crops with all probabilities are
gigabytes; so they wait in an SQLite file of no name, which is gone when the program is.
"""

from __future__ import annotations

import random
import sqlite3
import struct
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from database_tools.core import names
from database_tools.core.class_ranks import Ranks
from database_tools.core.errors import UserError
from database_tools.core.names import CropName

_SETTINGS = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -65536;
CREATE TABLE crops (
    id INTEGER PRIMARY KEY, path BLOB, image BLOB, box INTEGER, drawn INTEGER, label INTEGER,
    classes BLOB, own BLOB);
"""


class Crop(NamedTuple):
    """One crop.

    Attributes:
        id: number of the crop, from 1 in the table's order.
        box: number of its box in the picture's list.
        is_drawn: whether the box was drawn by hand.
        label: number of the true label; None if it is not known.
        classes: (number, confidence), in order.
        own: the same before the classes were made of it; None if they were made of nothing.
    """

    id: int
    box: int
    is_drawn: bool
    label: int | None
    classes: tuple[tuple[int, float], ...]
    own: tuple[tuple[int, float], ...] | None = None


class CropClasses:
    """Add crops, then ``arrange`` them, then ``find`` them.

    Attributes:
        versions: version of the detector, None for a box drawn by hand, to a crop of it.
        datasets: first folders of the pictures that were offered, with those left out.
    """

    def __init__(self, datasets: Collection[str] | None = None) -> None:
        """Begin without a crop; only crops of ``datasets`` are kept, None for all."""
        self._only = None if datasets is None else set(datasets)
        self._base = sqlite3.connect("", isolation_level=None)
        self._base.executescript(_SETTINGS)
        self.versions: dict[str | None, str] = {}
        self.datasets: set[str] = set()

    def add(self, paths: Iterable[str], labels: Iterable[int | None], ranks: Ranks) -> None:
        """Add n crops.

        Raises:
            ValueError: if a path is not a crop's.
        """
        rows = zip(paths, labels, _blobs(ranks), strict=True)
        found = [row for row in (self._row(*row) for row in rows) if row]
        insert = "INSERT INTO crops (path, image, box, drawn, label, classes) VALUES (?,?,?,?,?,?)"
        self._base.execute("BEGIN")
        self._base.executemany(insert, found)
        self._base.execute("COMMIT")

    def _row(self, path: str, label: int | None, classes: bytes) -> tuple[object, ...] | None:
        crop = CropName.parse(names.tidy(path))
        dataset = crop.image.partition("/")[0]
        self.datasets.add(dataset)
        if self._only is not None and dataset not in self._only:
            return None
        self.versions.setdefault(crop.detector, path)
        drawn = crop.detector is None
        return (
            names.encode(path),
            names.encode(names.key(crop.image)),
            crop.box,
            drawn,
            label,
            classes,
        )

    def sample(self, number: int, seed: int) -> None:
        """Keep at most ``number`` crops of each label, drawn from their names in order."""
        draw = random.Random(seed)
        labels = [row[0] for row in self._base.execute("SELECT DISTINCT label FROM crops")]
        for label in sorted(labels):
            query = "SELECT id FROM crops WHERE label = ? ORDER BY image, box"
            ids = [row[0] for row in self._base.execute(query, (label,))]
            lost = set(ids).difference(draw.sample(ids, min(number, len(ids))))
            self._base.executemany("DELETE FROM crops WHERE id = ?", ((i,) for i in lost))

    def arrange(self) -> int:
        """Make crops findable and return how many there are.

        Raises:
            UserError: if a crop was added twice.
        """
        try:
            self._base.execute("CREATE UNIQUE INDEX places ON crops (image, box, drawn)")
        except sqlite3.IntegrityError:
            query = "SELECT path FROM crops GROUP BY image, box, drawn HAVING COUNT(*) > 1 LIMIT 1"
            path = self._base.execute(query).fetchone()[0]
            raise UserError(f"{names.decode(path)}: the crop is there twice") from None
        return int(self._base.execute("SELECT COUNT(*) FROM crops").fetchone()[0])

    def add_own(self, paths: Iterable[str], ranks: Ranks) -> None:
        """Say what classes n crops had first; others than were added do not count."""
        crops = (CropName.parse(names.tidy(path)) for path in paths)
        rows = (
            (own, names.encode(names.key(crop.image)), crop.box, crop.detector is None)
            for crop, own in zip(crops, _blobs(ranks), strict=True)
        )
        update = "UPDATE crops SET own = ? WHERE image = ? AND box = ? AND drawn = ?"
        self._base.execute("BEGIN")
        self._base.executemany(update, rows)
        self._base.execute("COMMIT")

    def largest_id(self) -> int:
        """Return the largest number of a crop, 0 if there is none."""
        return int(self._base.execute("SELECT MAX(id) FROM crops").fetchone()[0] or 0)

    def find(self, images: Iterable[str]) -> list[list[Crop]]:
        """Return the crops of some pictures each, whatever Unicode form their names have.

        At most 900 at a time, as older SQLite allows; one by one takes three times as long.
        """
        keys = [names.encode(names.key(names.tidy(image))) for image in images]
        found: dict[bytes, list[Crop]] = {key: [] for key in keys}
        query = "SELECT image, id, box, drawn, label, classes, own FROM crops WHERE image IN (%s)"
        rows = self._base.execute(query % ",".join("?" * len(keys)), keys)
        for image, number, box, drawn, label, classes, own in rows:
            first = None if own is None else _classes(own)
            found[image].append(Crop(number, box, bool(drawn), label, _classes(classes), first))
        return [found[key] for key in keys]

    def detected_datasets(self) -> list[str]:
        """Return the datasets that have crops of detected boxes, in alphabetical order."""
        query = "SELECT DISTINCT image FROM crops WHERE NOT drawn"
        found = {names.decode(row[0]).partition("/")[0] for row in self._base.execute(query)}
        return sorted(found)

    def paths(self) -> Iterator[tuple[int, str]]:
        """Yield the number and the path of each crop, in the table's order."""
        for number, path in self._base.execute("SELECT id, path FROM crops ORDER BY id"):
            yield number, names.decode(path)


def _blobs(ranks: Ranks) -> Iterator[bytes]:
    """Yield each crop's classes, then its confidences, as bytes."""
    classes = ranks.classes.astype("<u4").tobytes()
    confidences = ranks.confidences.astype("<f8").tobytes()
    start = 0
    for end in np.cumsum(ranks.counts).tolist():
        yield classes[4 * start : 4 * end] + confidences[8 * start : 8 * end]
        start = end


def _classes(blob: bytes) -> tuple[tuple[int, float], ...]:
    number = len(blob) // 12
    values = struct.unpack(f"<{number}I{number}d", blob)
    return tuple(zip(values[:number], values[number:], strict=True))
