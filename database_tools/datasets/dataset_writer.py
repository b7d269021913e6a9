"""Puts crops into the dataset in listed order, and notes how far it is.

What is added waits until the next commit, which has an order that survives a power cut: the
journal says what will be written; then crops and records are written; then all of it is on the
disk; then the state speaks of it.  What the state does not speak of, the next run undoes and
makes again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.core.splits import SPLITS
from database_tools.crops.cutting import Crop
from database_tools.datasets import build_state, crop_example, journal
from database_tools.datasets.build_state import BuildState
from database_tools.datasets.crop_example import About
from database_tools.datasets.journal import BoxLine, CropLine, DropLine, Line, ShardLine
from database_tools.datasets.shards import ShardWriter
from database_tools.datasets.workspace import Workspace
from database_tools.durable import disk, files
from database_tools.durable.journal import Journal

COMMIT_EVERY = 100
"""Pictures between two commits: some seconds of work to lose, and little writing."""

_MOST_BYTES = 64 << 20  # of crops and records that wait for a commit


class DatasetWriter(AbstractContextManager["DatasetWriter"]):
    """Writes one build; use as a context manager, which leaves it so that a run can go on."""

    def __init__(self, workspace: Workspace, start: BuildState, per_shard: int) -> None:
        self._workspace = workspace
        self._state = start
        self._next, self._made = start.next, start.crops
        workspace.roll_back(start)
        self._journal = Journal(workspace.journal, start.journal)
        self._lines: list[Line] = []
        self._crops: list[tuple[Path, bytes]] = []
        self._records: list[tuple[str, bytes]] = []
        self._bytes = self._pictures = 0
        self._shards: Mapping[str, ShardWriter] = {}
        if (folder := workspace.tfrecords) is not None:
            self._shards = {
                split: ShardWriter(folder, split, per_shard, start.shards[split])
                for split in SPLITS
            }

    def __exit__(self, *error: object) -> None:
        self._journal.close()
        for shards in self._shards.values():
            shards.abandon()

    @property
    def next_id(self) -> int:
        """Id of the next crop."""
        return self._made

    def crop(self, image: int, split: str, name: str, crop: Crop, about: About) -> None:
        """Add an encoded crop, by its picture and file; ``about.id`` is ``next_id``."""
        size = 0
        if self._workspace.coco is not None:
            path, size = self._workspace.coco / name, len(crop.file)
            if path.exists():  # ours would have been rolled back
                raise UserError(f"{path}: is there already, and no run of this tool wrote it")
            self._crops.append((path, crop.file))
            self._bytes += size
        if self._shards:
            record = crop_example.encode(crop.jpeg, crop.width, crop.height, about)
            self._records.append((split, record))
            self._bytes += len(record)
        line = CropLine(image, about.id, split, about.label, crop.width, crop.height, size, name)
        self._lines.append(line)
        self._made += 1

    def drop(self, image: int, reason: str, size: int | None) -> None:
        """Note that a picture is left out; ``size`` is its file's if that cannot be read."""
        self._lines.append(DropLine(image, reason, size))

    def drop_box(self, image: int, box: int, reason: str) -> None:
        """Note that a box is left out, of a picture that is kept."""
        self._lines.append(BoxLine(image, box, reason))

    def finished(self, image: int) -> None:
        """Say that all of a picture has been added."""
        self._next = image + 1
        self._pictures += 1
        full = self._crops or self._records
        if self._bytes > _MOST_BYTES or (full and self._pictures >= COMMIT_EVERY):
            self._commit()

    def close(self) -> BuildState:
        """Write what waits, close the last shards and return where the build stands."""
        self._commit()
        for shards in self._shards.values():
            shards.close()
        self._commit()
        return self._state

    def _commit(self) -> None:
        self._append(self._lines)
        for path, content in self._crops:
            files.write_bytes(path, content)
        for split, record in self._records:
            self._shards[split].write(record)
        full = [
            ShardLine(split, number, size)
            for split, shards in self._shards.items()
            for number, size in shards.filled.items()
        ]
        records = [path for shards in self._shards.values() for path in shards.flush()]
        if self._workspace.tfrecords is not None:
            disk.sync_all(self._workspace.tfrecords, records)
        if self._workspace.coco is not None:
            disk.sync_all(self._workspace.coco, [path for path, _ in self._crops])
        self._append(full)
        self._lines, self._crops, self._records = [], [], []
        self._bytes = self._pictures = 0
        positions = {split: shards.position for split, shards in self._shards.items()}
        self._state = replace(
            self._state,
            next=self._next,
            crops=self._made,
            journal=self._journal.length,
            shards={**self._state.shards, **positions},
        )
        build_state.write(self._workspace.state, self._state)

    def _append(self, lines: Sequence[Line]) -> None:
        if lines:
            journal.append(self._journal, lines)
            self._journal.sync()
