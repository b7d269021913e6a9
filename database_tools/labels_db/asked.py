"""Where labels are asked: a label database, else MegaDB in a copy of what is needed of it.

A copy gives the same answers as a database that was imported from MegaDB, as the same importer
makes it and the same questions are asked; Cosmos cannot sort, count or group within one partition
as these need.  Of a million pictures it takes some 130 MB of the temporary folder, while it lasts.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections.abc import Callable, Collection, Iterator
from itertools import chain
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.labels_db import importing, megadb
from database_tools.labels_db.database import LabelDatabase
from database_tools.labels_db.importing import Place
from database_tools.labels_db.query_config import database

log = logging.getLogger(__name__)

Needed = Callable[[str], Collection[str] | None]
"""Of a dataset, classes of which pictures are asked; None for all, none to leave it out."""


@contextlib.contextmanager
def opened(given: Path | None, needed: Needed = lambda _: None) -> Iterator[LabelDatabase]:
    """Open what ``query_config.database`` says.

    Args:
        given: the label database, or None for what the environment says.
        needed: of MegaDB.

    Raises:
        UserError: if nobody says it, or it cannot be asked.
    """
    path = database(given)
    with contextlib.ExitStack() as stack:
        if path is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="megadb-"))
            path = _copied(Path(folder) / "labels.db", needed)
        yield stack.enter_context(LabelDatabase(path))


def places(given: Path | None) -> dict[str, Place]:
    """Return where the pictures of each dataset lie; raise as ``opened``."""
    path = database(given)
    if path is None:
        with megadb.opened() as source:
            return source.places()
    with LabelDatabase(path) as labels:
        return labels.datasets()


def _copied(path: Path, needed: Needed) -> Path:
    with megadb.opened() as source:
        for dataset, place in source.places().items():
            classes = needed(dataset)
            if classes is None or classes:
                entries = source.entries(dataset, classes)
                if (first := next(entries, None)) is not None:
                    found = importing.run(path, place, chain([first], entries), megadb.NAME)
                    log.info("%s: %s pictures of %s", megadb.NAME, f"{found.pictures:,}", dataset)
    if not path.exists():
        raise UserError(f"{megadb.NAME}: has no picture of the classes that are asked for")
    return path
