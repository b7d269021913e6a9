"""Puts a dataset into the label database, or a newer state of it in the old one's place.

Entries come as a stream in any order and wait in temporary tables, so memory does not grow with
them; SQLite joins them in one transaction.  Killed before its end, the database has what it had.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from database_tools.core import reasons
from database_tools.core.errors import UserError
from database_tools.core.label_entries import Entry, Picture, Said
from database_tools.core.ledger import Ledger
from database_tools.core.names import written
from database_tools.core.people import is_people
from database_tools.labels_db import schema

STAGE = "import_labels"

_AT_ONCE = 1000
_VARIABLE = re.compile(r"[A-Za-z_]\w*")

# Names that have none of these, each between "\n/" and "\n/", are written as they are.
_CLOSER_LOOK = ("\\", ":", "\0", "//", "/.", "/\n")

_WAITING = """
PRAGMA temp_store=FILE;
PRAGMA cache_size=-4000;
PRAGMA temp.cache_size=-6000;
CREATE TEMP TABLE picture (
    key, file TEXT, location INTEGER, sequence TEXT, frame, datetime, width, height, no_boxes);
CREATE TEMP TABLE said (key, label INTEGER, of_sequence);
CREATE TEMP TABLE box (key, kind TEXT, x, y, w, h, in_pixels);
CREATE TEMP TABLE found (
    key PRIMARY KEY, own INTEGER, own_last INTEGER, burst INTEGER, burst_last INTEGER)
    WITHOUT ROWID;
"""

# Of each picture the least and the largest class, its own and those of its burst: two that are
# equal are one class.
_JOIN = """
CREATE INDEX temp.box_by_key ON box (key);
INSERT INTO found SELECT key,
    min(CASE of_sequence WHEN 0 THEN label END), max(CASE of_sequence WHEN 0 THEN label END),
    min(CASE of_sequence WHEN 1 THEN label END), max(CASE of_sequence WHEN 1 THEN label END)
FROM said GROUP BY key;
"""

# Rows get their ids as they come, so in the order of the files' names.  They are joined as they
# were read, and sorted then (hence the +): going by their files, the join alone takes three times
# as long.  Boxes end where the picture does.
_IMAGES = """
INSERT INTO image (file, location, sequence, frame, datetime, label, of_sequence, boxes)
SELECT
    p.file, p.location, p.sequence, p.frame, p.datetime,
    CASE WHEN own IS NOT NULL THEN iif(own = own_last, own, NULL)
         WHEN burst = burst_last THEN burst END,
    own IS NULL AND burst IS NOT NULL,
    CASE WHEN EXISTS (SELECT 1 FROM box WHERE box.key = p.key) THEN (
        SELECT json_group_array(json_array(kind, max(x, 0), max(y, 0), width, height)) FROM (
            SELECT kind, x, y,
                iif(x < 0 OR x + w > 1.000001, min(x + w, 1) - max(x, 0), w) AS width,
                iif(y < 0 OR y + h > 1.000001, min(y + h, 1) - max(y, 0), h) AS height
            FROM (
                SELECT kind, box.rowid AS n,
                    iif(in_pixels, x / p.width, x) AS x, iif(in_pixels, y / p.height, y) AS y,
                    iif(in_pixels, w / p.width, w) AS w, iif(in_pixels, h / p.height, h) AS h
                FROM box WHERE box.key = p.key
                AND (NOT in_pixels OR (p.width > 0 AND p.height > 0)))
            WHERE width > 0 AND height > 0 ORDER BY n))
        WHEN p.no_boxes THEN '[]' END
FROM picture p LEFT JOIN found ON found.key = p.key
ORDER BY +p.file
"""

_RANGE = """
UPDATE dataset SET last_image = (SELECT max(id) FROM image),
    first_image = (SELECT max(id) FROM image) + 1 - (SELECT count(*) FROM picture)
WHERE id = :dataset
"""

# A picture's file among its neighbours, which costs less than an index.
_TWICE = """
SELECT a.file FROM dataset JOIN image a ON a.id BETWEEN first_image AND last_image
    JOIN image b ON b.id = a.id + 1 AND b.file = a.file WHERE dataset.id = :dataset LIMIT 1
"""

_SEVERAL = """
CREATE TEMP TABLE undecided AS
SELECT p.file, found.key, own IS NULL AS of_sequence FROM found JOIN picture p ON p.key = found.key
WHERE own <> own_last OR (own IS NULL AND burst <> burst_last);
CREATE INDEX temp.undecided_by_file ON undecided (file);
CREATE INDEX temp.undecided_by_key ON undecided (key);
CREATE TEMP TABLE doubtful AS SELECT said.* FROM said CROSS JOIN undecided u ON u.key = said.key
WHERE EXISTS (SELECT 1 FROM undecided);
CREATE INDEX temp.doubtful_by_key ON doubtful (key);
INSERT OR IGNORE INTO several SELECT said.label, image.id, said.of_sequence
FROM dataset CROSS JOIN image ON image.id BETWEEN first_image AND last_image
    CROSS JOIN undecided u ON u.file = image.file
    CROSS JOIN temp.doubtful AS said ON said.key = u.key AND said.of_sequence = u.of_sequence
WHERE dataset.id = :dataset AND said.label IS NOT NULL AND image.label IS NULL;
"""

_COUNTS = """
SELECT (SELECT count(*) FROM picture), count(*), count(label),
    (SELECT count(DISTINCT image) FROM several JOIN label ON label.id = several.label
     WHERE label.dataset = dataset.id)
FROM dataset JOIN image ON image.id BETWEEN first_image AND last_image WHERE dataset.id = :dataset
"""

_UNLISTED = "SELECT key FROM found EXCEPT SELECT key FROM picture ORDER BY key"

_ALIKE = """
DELETE FROM picture WHERE rowid NOT IN (SELECT min(rowid) FROM picture
    GROUP BY key, file, location, sequence, frame, datetime, width, height, no_boxes)
"""


@dataclass(frozen=True)
class Place:
    """Where a dataset's pictures lie.

    Attributes:
        dataset: name of the dataset, without slashes.
        container_url: of the blobs' container, without a SAS; None for local pictures.
        path_prefix: before the files' names.
        sas_env: name of the environment variable that holds the SAS.
        sas: itself, where MegaDB says it; the database never has it.
    """

    dataset: str
    container_url: str | None = None
    path_prefix: str = ""
    sas_env: str | None = None
    sas: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if "/" in self.dataset or not self.dataset.strip():
            raise UserError(f"--dataset must be a name without slashes, got {self.dataset!r}")
        # What was given is not shown: it is, or holds, what nobody else may see.
        if "?" in (self.container_url or ""):
            rule = "keep the SAS in an environment variable, and name that with --sas-env"
            raise UserError(f"--container-url must end before the ?: {rule}")
        if self.sas_env is not None and not _VARIABLE.fullmatch(self.sas_env):
            raise UserError("--sas-env must be the name of an environment variable, not a SAS")

    def signed_url(self) -> str:
        """Return the container's address with its SAS, if it has one; never show it to anybody.

        Raises:
            UserError: if nobody says where the pictures lie, or the variable is not set.
        """
        if self.container_url is None:
            rule = "import it with --container-url, or ask MegaDB"
            raise UserError(f"{self.dataset}: nobody says where its pictures lie: {rule}")
        sas = os.environ.get(self.sas_env, "") if self.sas_env else self.sas
        if self.sas_env and not sas:
            raise UserError(f"{self.dataset}: {self.sas_env}, which holds its SAS, is not set")
        return f"{self.container_url}?{sas.removeprefix('?')}" if sas else self.container_url


@dataclass(frozen=True)
class Imported:
    """What came in.

    Attributes:
        listed: pictures of the source, each once.
        pictures: those that the database has now.
        one_class: those of one class, their own or that of their burst.
        several_classes: those of several.
        unlisted: ids of pictures that something was said of, but that are not listed.
    """

    listed: int
    pictures: int
    one_class: int
    several_classes: int
    unlisted: tuple[str, ...]

    @property
    def ledger(self) -> Ledger:
        """What became of the pictures; more than none is left out by a fault only."""
        beside = {reasons.UNLISTED: self.unlisted} if self.unlisted else {}
        return Ledger(STAGE, self.listed, self.pictures, beside=beside)


def run(path: Path, place: Place, entries: Iterable[Entry], source: Path | str) -> Imported:
    """Import a dataset.

    Args:
        path: of the database; made if need be.
        place: of the dataset; what the database had of it is replaced.
        entries: pictures and what was said of them.
        source: what they come from, for messages.

    Raises:
        UserError: if a picture occurs twice, a file leads out of the dataset's folder, or there
            is no picture.
    """
    db = schema.create_or_open(path)
    try:
        db.executescript(_WAITING)
        db.execute("BEGIN IMMEDIATE")
        dataset = _renew(db, place)
        gc.disable()  # millions of tuples, none of them in a circle: a quarter of the time
        _Waiting(db, dataset, source).take(entries)
        _check_once(db, source)
        imported = _join(db, dataset, source)
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise UserError(f"{path}: {error}") from None
    except (OverflowError, UnicodeEncodeError) as error:
        raise UserError(f"{source}: cannot be kept in a database: {error}") from None
    finally:
        gc.enable()
        db.close()  # rolls back what was not committed
    return imported


def _renew(db: sqlite3.Connection, place: Place) -> int:
    """Delete what there is of a dataset, and return its new number."""
    if found := db.execute("SELECT id FROM dataset WHERE name = ?", (place.dataset,)).fetchone():
        db.execute(
            "DELETE FROM several WHERE label IN (SELECT id FROM label WHERE dataset = ?)", found
        )
        db.execute(
            "DELETE FROM image WHERE id BETWEEN (SELECT first_image FROM dataset WHERE id = ?1) "
            "AND (SELECT last_image FROM dataset WHERE id = ?1)",
            found,
        )
        for table in ("label", "location"):
            db.execute(f"DELETE FROM {table} WHERE dataset = ?", found)
        db.execute("DELETE FROM dataset WHERE id = ?", found)
    values = (place.dataset, place.container_url, place.path_prefix, place.sas_env)
    statement = "INSERT INTO dataset (name, container_url, path_prefix, sas_env) VALUES (?,?,?,?)"
    return int(db.execute(statement, values).lastrowid or 0)


class _Waiting:
    """Puts entries into the temporary tables, many in a call, as there are millions."""

    def __init__(self, db: sqlite3.Connection, dataset: int, source: Path | str) -> None:
        self._db, self._source = db, source
        self._labels = _Numbers(db, f"INSERT INTO label (dataset, name) VALUES ({dataset}, ?)")
        self._places = _Numbers(
            db, f"INSERT INTO location (dataset, value) VALUES ({dataset}, ?)", json.dumps
        )

    def take(self, entries: Iterable[Entry]) -> None:
        stream = iter(entries)
        while batch := list(islice(stream, _AT_ONCE)):
            if pictures := [entry for entry in batch if type(entry) is Picture]:
                keys, files, places, *rest = zip(*pictures, strict=True)
                numbers = map(self._places.__getitem__, places)
                self._insert("picture", zip(keys, self._inside(files), numbers, *rest, strict=True))
            if said := [entry for entry in batch if type(entry) is Said]:
                keys, labels, of_sequence, *boxes = zip(*said, strict=True)
                numbers = map(self._labels.__getitem__, labels)
                self._insert("said", zip(keys, numbers, of_sequence, strict=True))
                if any(map(any, boxes)):
                    self._insert("box", filter(None, map(_box, said)))

    def _inside(self, files: Sequence[str]) -> Sequence[str]:
        """Return how names are written; raise UserError for one that leads out."""
        together = "\n/".join(("", *files, ""))
        if not any(sign in together for sign in _CLOSER_LOOK):
            return files
        names = []
        for file in files:
            if (name := written(file)) is None:
                raise UserError(f"{self._source}: {file!r} leads out of the dataset's folder")
            names.append(name)
        return names

    def _insert(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert by one statement: ``executemany`` takes half as long again."""
        rows = list(rows)
        marks = f"({','.join('?' * len(rows[0]))})"
        statement = f"INSERT INTO {table} VALUES {','.join([marks] * len(rows))}"
        self._db.execute(statement, list(chain.from_iterable(rows)))


class _Numbers(dict[Any, int | None]):
    """The row of each name in a small table, made when it is asked for; None has none.

    3 and 3.0 are one number, and one place.
    """

    def __init__(
        self, db: sqlite3.Connection, insert: str, text: Callable[[Any], str] = str
    ) -> None:
        super().__init__({None: None})
        self._db, self._insert, self._text = db, insert, text

    def __missing__(self, name: object) -> int | None:
        self[name] = self._db.execute(self._insert, (self._text(name),)).lastrowid
        return self[name]


def _box(entry: Said) -> tuple[Any, ...] | None:
    if entry.box is not None:
        return (entry.key, _kind(entry.box[0]), *entry.box[1:], 0)
    if entry.pixel_box is not None:
        return (entry.key, _kind(entry.label), *map(float, entry.pixel_box), 1)
    return None


def _check_once(db: sqlite3.Connection, source: Path | str) -> None:
    """Index the pictures by key; entries of one picture that are alike are one."""
    index = "CREATE UNIQUE INDEX temp.picture_key ON picture (key)"
    try:
        db.execute(index)
    except sqlite3.IntegrityError:
        db.execute(_ALIKE)
        statement = "SELECT key FROM picture GROUP BY key HAVING count(*) > 1 LIMIT 1"
        if twice := db.execute(statement).fetchone():
            rule = f"the image id {twice[0]!r} is there twice, and not alike"
            raise UserError(f"{source}: {rule}") from None
        db.execute(index)
    if not db.execute("SELECT count(*) FROM picture").fetchone()[0]:
        raise UserError(f"{source}: lists no image")


def _join(db: sqlite3.Connection, dataset: int, source: Path | str) -> Imported:
    steps = *_JOIN.split(";")[:-1], _IMAGES, _RANGE, *_SEVERAL.split(";")[:-1]
    for statement in steps:
        db.execute(statement, {"dataset": dataset} if ":dataset" in statement else {})
    if twice := db.execute(_TWICE, {"dataset": dataset}).fetchone():
        raise UserError(f"{source}: the file name {twice[0]!r} is there twice, and not alike")
    counts = db.execute(_COUNTS, {"dataset": dataset}).fetchone()
    unlisted = tuple(str(key) for (key,) in db.execute(_UNLISTED))
    if unlisted and not any(counts[2:]):
        raise UserError(
            f"{source}: no image has the id {unlisted[0]!r}, nor any other that is said"
        )
    listed, pictures, one_class, several = counts
    return Imported(listed, pictures, one_class, several, unlisted)


_VEHICLES = frozenset({"vehicle", "car", "truck", "bicycle", "motorcycle", "atv"})


def _kind(label: str | None) -> str:
    """Return a detector's category for a box that is named by its species."""
    name = (label or "").casefold().replace("_", " ")
    return "person" if is_people(name) else "vehicle" if name in _VEHICLES else "animal"
