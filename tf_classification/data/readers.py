"""Readers of encoded pictures by row number: files of a folder, or records of shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools import imaging
from tf_classification.data.examples import Keys, Rows


@dataclass(frozen=True, eq=False)
class FileReader:
    """Crops that are files.

    Attributes:
        folder: they lie below it.
        keys: (n,) their paths from there, with forward slashes.
    """

    folder: Path
    keys: Keys

    def __call__(self, rows: Rows) -> list[bytes]:
        """Read these rows; b"" for a file that cannot be read."""
        return [_content(self.folder / str(self.keys[row])) for row in rows]


def _content(path: Path) -> bytes:
    try:
        return imaging.read(path)
    except imaging.UnreadableImage:
        return b""


@dataclass(frozen=True, eq=False)
class RecordReader:
    """Crops within shards; only their bytes are read, not the rest of the records.

    Attributes:
        shards: paths of the files.
        shard: (n,) which of them holds the row.
        offset: (n,) where its picture begins, in bytes.
        length: (n,) of its picture, in bytes.
    """

    shards: Sequence[Path]
    shard: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]

    def __call__(self, rows: Rows) -> list[bytes]:
        """Read these rows; b"" for a record that is not there any more."""
        return [self._picture(row) for row in rows]

    def _picture(self, row: np.int64) -> bytes:
        try:
            with self.shards[self.shard[row]].open("rb", buffering=0) as file:
                file.seek(self.offset[row])
                content = file.read(self.length[row]) or b""
        except OSError:
            return b""
        return content if len(content) == self.length[row] else b""

    def select(self, chosen: npt.NDArray[np.bool_]) -> RecordReader:
        """Return a reader of the rows where ``chosen``, (n,), is true."""
        return RecordReader(
            self.shards, self.shard[chosen], self.offset[chosen], self.length[chosen]
        )
