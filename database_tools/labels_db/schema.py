"""The tables of the label database, one SQLite file.

``image`` has a row for each picture, those of a dataset from its first to its last in the order of
the files' names, so that a query needs no sorting.  Its ``label`` is the only class that it has:
its own, else that of its burst; pictures of several have rows in ``several`` instead.  A location
is JSON text, as 13 is not "013".
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from database_tools.core.errors import UserError

_VERSION = 2
_APPLICATION = 0x74666C62  # "tflb", in the file's header

_TABLES = """
CREATE TABLE dataset (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
    container_url TEXT, path_prefix TEXT NOT NULL, sas_env TEXT,
    first_image INTEGER NOT NULL DEFAULT 1, last_image INTEGER NOT NULL DEFAULT 0);
CREATE TABLE label (
    id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE (dataset, name));
CREATE TABLE location (
    id INTEGER PRIMARY KEY, dataset INTEGER NOT NULL, value TEXT NOT NULL, UNIQUE (dataset, value));
CREATE TABLE image (
    id INTEGER PRIMARY KEY, file TEXT NOT NULL, location INTEGER,
    sequence TEXT, frame INTEGER, datetime TEXT, label INTEGER, of_sequence INTEGER, boxes TEXT);
CREATE INDEX image_by_label ON image (label) WHERE label IS NOT NULL;
CREATE TABLE several (
    label INTEGER NOT NULL, image INTEGER NOT NULL, of_sequence INTEGER NOT NULL,
    PRIMARY KEY (label, image)) WITHOUT ROWID;
"""


def create_or_open(path: Path) -> sqlite3.Connection:
    """Open a database to write to it; make it if there is none.

    Raises:
        UserError: if there is another file, or it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(path, isolation_level=None)
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            db.executescript(
                f"PRAGMA application_id={_APPLICATION}; PRAGMA user_version={_VERSION};"
                f"BEGIN; {_TABLES} COMMIT;"
            )
        _check(path, db)
    except (OSError, sqlite3.Error) as error:
        raise UserError(f"{path}: cannot be written as a label database: {error}") from None
    return db


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a database to ask it; raise UserError if there is none."""
    if not path.is_file():
        raise UserError(f"{path}: no such label database; import_labels makes one")
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        _check(path, db)
    except sqlite3.Error as error:
        raise UserError(f"{path}: not a label database: {error}") from None
    return db


def _check(path: Path, db: sqlite3.Connection) -> None:
    found = [
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    ]
    if found != [_APPLICATION, _VERSION]:
        raise UserError(f"{path}: not a label database of this version")
