"""Puts a dataset into the label database, or a newer state of it in the old one's place.

Entries come as a stream in any order and wait in temporary tables, so memory does not grow with
them; SQLite joins them in one transaction.  Killed before its end, the database has what it had.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from database_tools.core.errors import UserError
from database_tools.core.label_entries import Entry, Picture, Said
from database_tools.core.names import PictureName
from database_tools.labels_db import schema

_AT_ONCE = 5000

_WAITING = """
PRAGMA temp_store=FILE;
PRAGMA cache_size=-8000;
PRAGMA temp.cache_size=-16000;
CREATE TEMP TABLE picture (
    key, file TEXT, location INTEGER, sequence TEXT, frame, datetime, width, height, no_boxes);
CREATE TEMP TABLE said (key, label INTEGER, of_sequence, kind TEXT, x, y, w, h, in_pixels);
"""

# Of each picture the least and the largest class, its own and those of its burst: two that are
# equal are one class.
_JOIN = """
CREATE INDEX temp.said_by_key ON said (key, of_sequence, label, kind);
CREATE TEMP TABLE found AS SELECT key,
    min(CASE of_sequence WHEN 0 THEN label END) AS own, max(CASE of_sequence WHEN 0 THEN label END)
    AS own_last, min(CASE of_sequence WHEN 1 THEN label END) AS burst,
    max(CASE of_sequence WHEN 1 THEN label END) AS burst_last, count(kind) AS boxes
FROM said GROUP BY key;
CREATE INDEX temp.found_by_key ON found (key);
"""

# Rows get their ids as they come, so in the order of the files' names.
_IMAGES = """
INSERT INTO image (dataset, file, location, sequence, frame, datetime, label, of_sequence, boxes)
SELECT
    :dataset, p.file, p.location, p.sequence,
    p.frame, p.datetime,
    CASE WHEN own IS NOT NULL THEN iif(own = own_last, own, NULL)
         WHEN burst = burst_last THEN burst END,
    own IS NULL AND burst IS NOT NULL,
    CASE WHEN boxes THEN (
        SELECT json_group_array(json_array(kind, x, y, w, h)) FROM (
            SELECT kind, iif(in_pixels, x / p.width, x) AS x, iif(in_pixels, y / p.height, y) AS y,
                iif(in_pixels, w / p.width, w) AS w, iif(in_pixels, h / p.height, h) AS h
            FROM said WHERE said.key = p.key AND kind IS NOT NULL
            AND (NOT in_pixels OR (p.width > 0 AND p.height > 0)) ORDER BY said.rowid))
        WHEN p.no_boxes THEN '[]' END
FROM picture p LEFT JOIN found ON found.key = p.key ORDER BY p.file
"""

_SEVERAL = """
INSERT OR IGNORE INTO several SELECT said.label, image.id, said.of_sequence
FROM found CROSS JOIN picture p ON p.key = found.key
    CROSS JOIN image ON image.dataset = :dataset AND image.file = p.file
    CROSS JOIN said ON said.key = found.key AND said.label IS NOT NULL
WHERE (own <> own_last OR (own IS NULL AND burst <> burst_last))
    AND said.of_sequence = (own IS NULL)
"""

_COUNTS = """
SELECT count(*), count(label),
    (SELECT count(DISTINCT image) FROM several JOIN label ON label.id = several.label
     WHERE label.dataset = :dataset),
    (SELECT count(*) FROM said WHERE key NOT IN (SELECT key FROM picture))
FROM image WHERE dataset = :dataset
"""


@dataclass(frozen=True)
class Place:
    """Where a dataset's pictures lie.

    Attributes:
        dataset: name of the dataset, without slashes.
        container_url: of the blobs' container, without a SAS; None for local pictures.
        path_prefix: before the files' names.
        sas_env: name of the environment variable that holds the SAS.
    """

    dataset: str
    container_url: str | None = None
    path_prefix: str = ""
    sas_env: str | None = None


@dataclass(frozen=True)
class Imported:
    """What came in.

    Attributes:
        pictures: all that are listed.
        one_class: those of one class, their own or that of their burst.
        several_classes: those of several.
        unlisted: what was said of pictures that are not listed.
    """

    pictures: int
    one_class: int
    several_classes: int
    unlisted: int


def run(path: Path, place: Place, entries: Iterable[Entry], source: Path) -> Imported:
    """Import a dataset.

    Args:
        path: of the database; made if need be.
        place: of the dataset; what the database had of it is replaced.
        entries: pictures and what was said of them.
        source: the file that they come from, for messages.

    Raises:
        UserError: if a picture occurs twice, a file leads out of the dataset's folder, or there
            is no picture.
    """
    if "/" in place.dataset or not place.dataset.strip():
        raise UserError(f"--dataset must be a name without slashes, got {place.dataset!r}")
    db = schema.create_or_open(path)
    try:
        db.executescript(_WAITING)
        db.execute("BEGIN IMMEDIATE")
        dataset = _renew(db, place)
        _Waiting(db, dataset, source).take(entries)
        _check_once(db, source)
        imported = _join(db, dataset)
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise UserError(f"{path}: {error}") from None
    finally:
        db.close()  # rolls back what was not committed
    return imported


def _renew(db: sqlite3.Connection, place: Place) -> int:
    """Delete what there is of a dataset, and return its new number."""
    if found := db.execute("SELECT id FROM dataset WHERE name = ?", (place.dataset,)).fetchone():
        db.execute(
            "DELETE FROM several WHERE label IN (SELECT id FROM label WHERE dataset = ?)", found
        )
        for table in ("image", "label", "location"):
            db.execute(f"DELETE FROM {table} WHERE dataset = ?", found)
        db.execute("DELETE FROM dataset WHERE id = ?", found)
    values = (place.dataset, place.container_url, place.path_prefix, place.sas_env)
    statement = "INSERT INTO dataset (name, container_url, path_prefix, sas_env) VALUES (?,?,?,?)"
    return int(db.execute(statement, values).lastrowid or 0)


class _Numbers:
    """Rows of a small table of names, made when they are first met."""

    def __init__(self, db: sqlite3.Connection, table: str, column: str, dataset: int) -> None:
        self._insert = f"INSERT INTO {table} (dataset, {column}) VALUES (?, ?)"
        self._db, self._dataset = db, dataset
        self._known: dict[Any, int] = {}

    def of(self, name: str | None) -> int | None:
        """Return the row of a name; None for None."""
        if name is None:
            return None
        if (number := self._known.get(name)) is None:
            number = int(self._db.execute(self._insert, (self._dataset, name)).lastrowid or 0)
            self._known[name] = number
        return number


class _Waiting:
    """Puts entries into the temporary tables."""

    def __init__(self, db: sqlite3.Connection, dataset: int, source: Path) -> None:
        self._db, self._source = db, source
        self._labels = _Numbers(db, "label", "name", dataset)
        self._locations = _Numbers(db, "location", "value", dataset)

    def take(self, entries: Iterable[Entry]) -> None:
        stream = iter(entries)
        while batch := list(islice(stream, _AT_ONCE)):
            self._db.executemany(
                "INSERT INTO picture VALUES (?,?,?,?,?,?,?,?,?)",
                [self._picture(entry) for entry in batch if type(entry) is Picture],
            )
            self._db.executemany(
                "INSERT INTO said VALUES (?,?,?,?,?,?,?,?,?)",
                [self._said(entry) for entry in batch if type(entry) is Said],
            )

    def _picture(self, entry: Picture) -> tuple[Any, ...]:
        key, file, location, *rest = entry
        name = PictureName.of(file)
        if name is None:
            raise UserError(f"{self._source}: {file!r} leads out of the dataset's folder")
        place = None if location is None else json.dumps(location)
        return (key, name.written, self._locations.of(place), *rest)

    def _said(self, entry: Said) -> tuple[Any, ...]:
        label = self._labels.of(entry.label)
        if entry.box is not None:
            return (entry.key, label, entry.of_sequence, _kind(entry.box[0]), *entry.box[1:], 0)
        if entry.pixel_box is not None:
            x, y, w, h = map(float, entry.pixel_box)
            return (entry.key, label, entry.of_sequence, _kind(entry.label), x, y, w, h, 1)
        return (entry.key, label, entry.of_sequence, None, None, None, None, None, 0)


def _check_once(db: sqlite3.Connection, source: Path) -> None:
    for column, word in (("key", "image id"), ("file", "file name")):
        try:
            db.execute(f"CREATE UNIQUE INDEX temp.picture_{column} ON picture ({column})")
        except sqlite3.IntegrityError:
            twice = db.execute(
                f"SELECT {column} FROM picture GROUP BY {column} HAVING count(*) > 1 LIMIT 1"
            ).fetchone()
            raise UserError(f"{source}: the {word} {twice[0]!r} is there twice") from None
    if not db.execute("SELECT count(*) FROM picture").fetchone()[0]:
        raise UserError(f"{source}: lists no image")


def _join(db: sqlite3.Connection, dataset: int) -> Imported:
    for statement in _JOIN.split(";")[:-1]:
        db.execute(statement)
    db.execute(_IMAGES, {"dataset": dataset})
    db.execute(_SEVERAL, {"dataset": dataset})
    return Imported(*db.execute(_COUNTS, {"dataset": dataset}).fetchone())


_PEOPLE = frozenset({"human", "person", "people", "homo sapiens"})
_VEHICLES = frozenset({"vehicle", "car", "truck", "bicycle", "motorcycle", "atv"})


def _kind(label: str | None) -> str:
    """Return a detector's category for a box that is named by its species."""
    name = (label or "").casefold().replace("_", " ")
    return "person" if name in _PEOPLE else "vehicle" if name in _VEHICLES else "animal"
