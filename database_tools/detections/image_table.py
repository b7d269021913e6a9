"""The pictures of detection files by name: as many as there are, in little memory.

What does not fit into some 5 MB, or more where that is told, waits on the disk.

Unlike ``core.detection_table`` it keeps entries whole and their numbers with all digits: a crop's
edges are truncated pixels, so 0.7 of 100 pixels is 70, and 0.69999999 is 69.

Of a picture that a file has twice, a result counts and a failure does not, whichever comes first;
two results that differ are an error.  Of two files, a result of the later one counts.
"""

from __future__ import annotations

import marshal
import sqlite3
from collections.abc import Callable, Iterator
from itertools import starmap
from pathlib import Path

from database_tools.core import json_text, names
from database_tools.core.errors import FormatError, UserError
from database_tools.formats import detection_json, megadetector_json
from database_tools.formats.megadetector_json import Box, Image

_SCHEMA = """CREATE TABLE image (
    key BLOB PRIMARY KEY, file INTEGER, position INTEGER, failed INTEGER, entry
) WITHOUT ROWID"""

IN_MEMORY = 1 << 12  # pictures, of some 1.2 kB each
_Row = tuple[int, int, bool, "Image | str | bytes"]
"""Number of the file, position in it, whether it failed, and the entry, packed once it is old."""


class ImageTable:
    """Entries by name; the names of one picture in two Unicode forms are one.

    ``read`` is the number of those that were added, repeated ones included.
    """

    def __init__(self, in_memory: int | None = None) -> None:
        """Make an empty one; of more pictures than ``in_memory``, older ones go to the disk."""
        self._most = in_memory or IN_MEMORY
        self.read = 0
        self._files = 0
        self._recent: dict[str, _Row] = {}
        self._has_older = False
        # A database without a name is a file that the system deletes; it needs no transactions.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(_SCHEMA)

    def __len__(self) -> int:
        self._keep()
        return int(self._db.execute("SELECT count(*) FROM image").fetchone()[0])

    def close(self) -> None:
        """Give the disk's space back."""
        self._db.close()

    def add_file(
        self,
        path: Path,
        change: Callable[[Image], Image] | None = None,
        image_dir: Path | None = None,
    ) -> None:
        """Add what a file says of its pictures; names become tidy, those in ``image_dir`` relative.

        Raises:
            UserError: if there is no such file, or the disk of temporary files is full.
            FormatError: if it breaks its format, or its results of one picture differ.
        """
        self._files += 1
        folders = [] if image_dir is None else [image_dir, image_dir.resolve()]
        roots = [names.root(str(folder)) for folder in folders]
        for position, image in enumerate(detection_json.images(path)):
            file = names.tidy(image.file)
            if roots:
                file = names.below(file, roots)
            if file != image.file:
                image = image._replace(file=file)
            self.read += 1
            try:
                self._add(position, change(image) if change else image)
            except ValueError as error:
                raise FormatError(path, f"images[{position}] ({file!r})", str(error)) from None

    def find(self, name: str) -> Image | None:
        """Return what is known of a picture; None if nothing."""
        # Keys are tidy, and nearly all names too.
        row = self._recent.get(name) or self._row(names.key(names.tidy(name)))
        if row is None:
            return None
        entry = row[-1]
        return entry if isinstance(entry, Image) else _unpacked(entry)

    def images(self, *, by_name: bool = False) -> Iterator[Image]:
        """Yield the entries in the order of their files, or sorted by name."""
        self._keep()
        order = "key" if by_name else "file, position"
        for (entry,) in self._db.execute(f"SELECT entry FROM image ORDER BY {order}"):
            yield _unpacked(entry)

    def _add(self, position: int, image: Image) -> None:
        """Add an entry; raise ValueError if the file says something else of it elsewhere."""
        key, failed = names.key(image.file), image.boxes is None
        entry: Image | str | bytes = image
        if (known := self._row(key)) is not None:
            file, first, had_failed, earlier = known
            entry, earlier = _packed(entry), _packed(earlier)
            if failed != bool(had_failed):
                if failed:
                    return
            elif file == self._files and earlier != entry and not failed:
                raise ValueError(f"images[{first}] is the same picture, but its boxes differ")
            elif file == self._files:
                # of two failures the same one, whichever comes first
                position, entry = first, min(earlier, entry)
        self._recent[key] = (self._files, position, failed, entry)
        if len(self._recent) >= self._most:
            self._keep()

    def _row(self, key: str) -> _Row | None:
        if (row := self._recent.get(key)) is not None or not self._has_older:
            return row
        query = "SELECT file, position, failed, entry FROM image WHERE key = ?"
        kept: _Row | None = self._db.execute(query, (names.encode(key),)).fetchone()
        return kept

    def _keep(self) -> None:
        """Bring to the disk what is in memory, in the order in which the disk has it."""
        recent = sorted(self._recent.items())
        rows = ((names.encode(key), *row[:3], _packed(row[3])) for key, row in recent)
        try:
            self._db.executemany("REPLACE INTO image VALUES (?, ?, ?, ?, ?)", rows)
        except sqlite3.OperationalError as error:
            message = f"detections cannot be kept in the system's temporary folder: {error}"
            raise UserError(message) from error
        self._recent.clear()
        self._has_older = True


def _packed(image: Image | str | bytes) -> str | bytes:
    """Return an entry as its JSON, or, if it is a usual one, as 100 bytes that are read at once."""
    if not isinstance(image, Image):
        return image
    if image.boxes is None or image.extra:
        return megadetector_json.text(image)
    for box in image.boxes:
        if box.classifications or box.extra:
            return megadetector_json.text(image)
    # Version 2: equal values give equal bytes.
    return marshal.dumps((image.file, [box[:3] for box in image.boxes]), 2)


def _unpacked(entry: str | bytes) -> Image:
    if isinstance(entry, str):
        return megadetector_json.image(json_text.loads(entry))
    file, boxes = marshal.loads(entry)
    return Image(file, tuple(starmap(Box, boxes)))
