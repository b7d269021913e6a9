"""The pictures of detection files by name, on the disk: as many as there are, in little memory.

Unlike ``core.detection_table`` it keeps entries whole and their numbers with all digits: a crop's
edges are truncated pixels, so 0.7 of 100 pixels is 70, and 0.69999999 is 69.

Of a picture that a file has twice, a result counts and a failure does not, whichever comes first;
two results that differ are an error.  Of two files, a result of the later one counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

from database_tools.core import json_text, names
from database_tools.core.errors import FormatError, UserError
from database_tools.formats import detection_json, megadetector_json
from database_tools.formats.megadetector_json import Image

_SCHEMA = """CREATE TABLE image (
    key BLOB PRIMARY KEY, file INTEGER, position INTEGER, failed INTEGER, entry TEXT
) WITHOUT ROWID"""


class ImageTable:
    """Entries by name; the names of one picture in two Unicode forms are one.

    Attributes:
        read: number of entries that were added, repeated ones included.
    """

    def __init__(self) -> None:
        self.read = 0
        self._files = 0
        # A database without a name is a file that the system deletes; it needs no transactions.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(_SCHEMA)

    def __len__(self) -> int:
        return int(self._db.execute("SELECT count(*) FROM image").fetchone()[0])

    def close(self) -> None:
        """Give the disk's space back."""
        self._db.close()

    def add_file(
        self,
        path: Path,
        change: Callable[[Image], Image] = lambda image: image,
        image_dir: Path | None = None,
    ) -> None:
        """Add what a file says of its pictures; their names become tidy.

        Args:
            path: of the file, of a kind that ``detection_json`` reads.
            change: is applied to each image.
            image_dir: folder of the pictures: absolute names below it are taken relative to it.

        Raises:
            UserError: if there is no such file, or the disk of temporary files is full.
            FormatError: if it breaks its format, or its results of one picture differ.
        """
        self._files += 1
        folders = [] if image_dir is None else [image_dir, image_dir.resolve()]
        roots = [names.root(str(folder)) for folder in folders]
        for position, image in enumerate(detection_json.images(path)):
            file = names.below(names.tidy(image.file), roots)
            self.read += 1
            try:
                self._add(position, change(image._replace(file=file)))
            except ValueError as error:
                raise FormatError(path, f"images[{position}] ({file!r})", str(error)) from None
            except sqlite3.OperationalError as error:
                message = f"{path}: cannot be kept in the system's temporary folder: {error}"
                raise UserError(message) from error

    def find(self, name: str) -> Image | None:
        """Return what is known of a picture; None if nothing."""
        query = "SELECT entry FROM image WHERE key = ?"
        row = self._db.execute(query, (_key(names.tidy(name)),)).fetchone()
        return None if row is None else megadetector_json.image(json_text.loads(row[0]))

    def images(self, *, by_name: bool = False) -> Iterator[Image]:
        """Yield the entries in the order of their files, or sorted by name."""
        order = "key" if by_name else "file, position"
        for (entry,) in self._db.execute(f"SELECT entry FROM image ORDER BY {order}"):
            yield megadetector_json.image(json_text.loads(entry))

    def _add(self, position: int, image: Image) -> None:
        """Add an entry; raise ValueError if the file says something else of it elsewhere."""
        key, entry = _key(image.file), megadetector_json.text(image)
        query = "SELECT file, position, failed, entry FROM image WHERE key = ?"
        known = self._db.execute(query, (key,)).fetchone()
        failed = image.boxes is None
        if known is not None:
            file, first, had_failed, earlier = known
            if failed != bool(had_failed):
                if failed:
                    return
            elif file == self._files and earlier != entry and not failed:
                raise ValueError(f"images[{first}] is the same picture, but its boxes differ")
            elif file == self._files:
                # of two failures the same one, whichever comes first
                position, entry = first, min(earlier, entry)
        row = (key, self._files, position, failed, entry)
        self._db.execute("REPLACE INTO image VALUES (?, ?, ?, ?, ?)", row)


def _key(name: str) -> bytes:
    return names.key(name).encode("utf-8", "surrogatepass")
