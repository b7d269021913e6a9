"""Puts crops into the dataset in listed order, and notes how far it is.

For each crop: the journal's line, then its file, then its record.  ``commit`` makes the progress
speak of them; what is written after the last commit, the next run undoes and makes again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from database_tools.core.errors import UserError
from database_tools.core.location_split import SPLITS
from database_tools.crops.cutting import Crop
from database_tools.datasets import crop_example, progress
from database_tools.datasets.crop_example import About
from database_tools.datasets.journal import BoxLine, CropLine, DropLine, Journal
from database_tools.datasets.progress import Progress
from database_tools.datasets.shards import ShardWriter
from database_tools.datasets.workspace import Workspace
from database_tools.durable import files

_COMMIT_EVERY = 100
"""Pictures between two commits: some seconds of work to lose, and little writing."""


class DatasetWriter:
    """Writes one build; use as a context manager, which leaves it so that a run can go on."""

    def __init__(self, workspace: Workspace, start: Progress, per_shard: int) -> None:
        self._workspace = workspace
        self._progress = start
        workspace.roll_back(start)
        self._journal = Journal(workspace.journal, start.journal)
        self._shards: Mapping[str, ShardWriter] = {}
        if (folder := workspace.tfrecords) is not None:
            self._shards = {
                split: ShardWriter(folder, split, per_shard, start.shards[split])
                for split in SPLITS
            }

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._journal.close()
        for shards in self._shards.values():
            shards.abandon()

    @property
    def next_id(self) -> int:
        """Id of the next crop."""
        return self._progress.crops

    def crop(self, image: int, split: str, name: str, crop: Crop, about: About) -> None:
        """Add a crop.

        Args:
            image: position of its picture.
            split: it goes to.
            name: of its file, relative to the folder of crops.
            crop: encoded.
            about: what its record says; ``about.id`` is ``next_id``.
        """
        line = CropLine(image, about.id, split, about.label, crop.width, crop.height, name)
        self._journal.append(line)
        if self._workspace.coco is not None:
            _write_new(self._workspace.coco / name, crop.file)
        if self._shards:
            record = crop_example.encode(crop.jpeg, crop.width, crop.height, about)
            self._shards[split].write(record)
        self._progress = replace(self._progress, crops=self._progress.crops + 1)

    def drop(self, image: int, reason: str, size: int | None) -> None:
        """Note that a picture is left out; ``size`` is its file's if that cannot be read."""
        self._journal.append(DropLine(image, reason, size))

    def drop_box(self, image: int, box: int) -> None:
        """Note that a box without area is left out, of a picture that is kept."""
        self._journal.append(BoxLine(image, box))

    def finished(self, image: int) -> None:
        """Say that all of a picture has been added."""
        self._progress = replace(self._progress, next=image + 1)
        if self._progress.next % _COMMIT_EVERY == 0:
            self.commit()

    def commit(self) -> None:
        """Save the progress."""
        positions = {split: shards.position for split, shards in self._shards.items()}
        self._progress = replace(
            self._progress,
            journal=self._journal.length,
            shards={**self._progress.shards, **positions},
        )
        progress.write(self._workspace.state, self._progress)

    def close(self) -> Progress:
        """Close the last shards and save the progress."""
        for shards in self._shards.values():
            shards.close()
        self.commit()
        return self._progress


def _write_new(path: Path, content: bytes) -> None:
    if path.exists():  # ours would have been rolled back
        raise UserError(f"{path}: is there already, and no run of this tool wrote it")
    files.write_bytes(path, content)
