"""The output folders of a build together: keep others out, go on, roll back or begin anew.

The main folder, that of the crops if there is one, else that of the records, keeps the state:

    .build/journal.jsonl         what became of each picture
    .build/progress.json         where the build stands, and of what inputs
    .build/detections_*.log      results of the detector
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from database_tools.datasets import journal, output_folder, progress, shards
from database_tools.datasets.output_folder import STATE
from database_tools.datasets.progress import Progress
from database_tools.durable import files, locks

log = logging.getLogger(__name__)

Sizes = Callable[[int], int]
"""Size in bytes of the file of the picture at a position, -1 if there is none."""


class Workspace:
    """The folders of one build.

    Attributes:
        coco: folder of crops and JSON files, or None.
        tfrecords: folder of records, or None.
        folders: both, the main one first, each once.
        main: the folder that has what belongs to the whole build.
        state: where the main folder keeps what the tool knows.
        journal: path of the journal.
    """

    def __init__(self, coco: Path | None, tfrecords: Path | None) -> None:
        self.coco, self.tfrecords = coco, tfrecords
        given = [folder for folder in (coco, tfrecords) if folder is not None]
        same = len({folder.resolve() for folder in given}) == 1
        self.folders = given[:1] if same else given
        self.main = self.folders[0]
        self.state = self.main / STATE
        self.journal = self.state / journal.NAME

    @property
    def reserved(self) -> frozenset[str]:
        """Names in the main folder that no category's folder may have."""
        names = set(output_folder.FILES) | {STATE}
        for folder in self.folders[1:]:
            with contextlib.suppress(ValueError):
                names.add(folder.resolve().relative_to(self.main.resolve()).parts[0])
        return frozenset(names)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Make the folders ours, and keep other runs out of them within the block.

        Raises:
            UserError: if a folder holds files of strangers, cannot be written, or another run
                is writing there.
        """
        with contextlib.ExitStack() as stack:
            for folder in self.folders:
                output_folder.claim(folder)
            for folder in self.folders:
                stack.enter_context(locks.locked(folder / STATE / "lock"))
            yield

    def earlier(self, inputs: Mapping[str, Any], sizes: Sizes) -> Progress | None:
        """Return where an earlier run of the same inputs stopped; None to begin anew."""
        found = progress.read(self.state)
        if found is None:
            return None
        if found.inputs != inputs:
            keys = {*found.inputs, *inputs}
            changed = sorted(k for k in keys if found.inputs.get(k) != inputs.get(k))
            log.info("building anew: since the last run changed %s", ", ".join(changed))
            return None
        if lost := self._lost(found):
            log.info("building anew: %s is gone", lost)
            return None
        for line in journal.read(self.journal):
            if isinstance(line, journal.DropLine) and line.size not in (None, sizes(line.image)):
                log.info("building anew: pictures that could not be read have changed")
                return None
        return found

    def check(self) -> None:
        """Raise UserError if a folder holds files of strangers."""
        crops = self._earlier_crops()
        for folder in self.folders:
            others = [other for other in self.folders if other != folder]
            output_folder.check_no_strangers(folder, crops, others)

    def begin(self, inputs: Mapping[str, Any]) -> Progress:
        """Delete what earlier runs built, and only that; start at the first picture."""
        crops = self._earlier_crops()
        for folder in self.folders:
            output_folder.clear(folder, crops if folder == self.coco else ())
            output_folder.mark(folder, {"inputs": dict(inputs), "crops": folder == self.coco})
        self.journal.unlink(missing_ok=True)
        start = Progress(inputs)
        progress.write(self.state, start)
        return start

    def roll_back(self, to: Progress) -> None:
        """Delete crops that were written after the progress was, and half-written files."""
        touched = {*self.folders, self.state}
        for line in journal.read(self.journal, to.journal):
            if self.coco is not None and isinstance(line, journal.CropLine):
                path = self.coco / line.name
                path.unlink(missing_ok=True)
                touched.add(path.parent)
        for folder in touched:
            files.remove_leftovers(folder)

    def _lost(self, found: Progress) -> str | None:
        """Name something that the progress speaks of and that is not there any more."""
        for folder in self.folders:
            if output_folder.known(folder).get("inputs") != found.inputs:
                return f"what was in {folder}"
        if self.tfrecords is not None:
            for split, position in found.shards.items():
                if not shards.holds(self.tfrecords, split, position):
                    return f"a shard of {split}"
        if found.journal > (self.journal.stat().st_size if self.journal.exists() else 0):
            return "the journal"
        return self._lost_crop(found)

    def _lost_crop(self, found: Progress) -> str | None:
        if self.coco is None:
            return None
        for line in journal.read(self.journal):
            if not isinstance(line, journal.CropLine):
                continue
            if line.id < found.crops and not (self.coco / line.name).is_file():
                return line.name
        return None

    def _earlier_crops(self) -> frozenset[str]:
        if self.coco is None or not output_folder.known(self.coco).get("crops"):
            return frozenset()
        lines = journal.read(self.journal)
        return frozenset(line.name for line in lines if isinstance(line, journal.CropLine))
