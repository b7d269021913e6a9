"""The output folders of a build together: keep others out, go on, roll back or begin anew.

The main folder, that of the crops if there is one, else that of the records, keeps the state:

    .build/journal.jsonl         what became of each picture
    .build/progress.json         where the build stands, and of what inputs
    .build/detections_*.log      results of the detector

``docs/architecture.md`` tells how a build resumes.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from database_tools.core.names import EXACT, Disk
from database_tools.datasets import build_state, journal, output_folder, shards
from database_tools.datasets.build_state import BuildState
from database_tools.datasets.journal import CropLine, DropLine, ShardLine
from database_tools.datasets.output_folder import STAGE
from database_tools.durable import disk, files, folders, locks, naming
from database_tools.durable.folders import STATE

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
    """

    def __init__(self, coco: Path | None, tfrecords: Path | None) -> None:
        self.coco, self.tfrecords = coco, tfrecords
        given = [folder for folder in (coco, tfrecords) if folder is not None]
        same = len({folder.resolve() for folder in given}) == 1
        self.folders = given[:1] if same else given
        self.main = self.folders[0]
        self.state = self.main / STATE
        self.journal = self.state / journal.NAME
        self._found: BuildState | None = None
        self._crops: frozenset[str] = frozenset()

    @property
    def reserved(self) -> frozenset[str]:
        """Names in the main folder that no category's folder may have, shards aside."""
        names = set(output_folder.FILES) | {STATE}
        for folder in self.folders[1:]:
            with contextlib.suppress(ValueError):
                names.add(folder.resolve().relative_to(self.main.resolve()).parts[0])
        return frozenset(names)

    def disk(self) -> Disk | None:
        """Find out what the disk makes of names of crops; None if they have no files.

        Only when the folders are ours, as it tries.
        """
        return None if self.coco is None else naming.look_at(self.coco)

    @contextlib.contextmanager
    def claimed(self, planned: Callable[[str], bool]) -> Iterator[None]:
        """Make the folders ours, and keep other runs out of them within the block.

        Args:
            planned: says whether a file is called as a crop of this build; asked where what an
                earlier build wrote cannot be read any more.

        Raises:
            UserError: if a folder holds files of strangers, cannot be written, or another run
                is writing there.
        """
        for folder in self.folders:
            folders.check_claimable(folder, f"{STAGE}.py")
        with contextlib.ExitStack() as stack:
            for folder in self.folders:
                with files.writing_below(folder):
                    stack.enter_context(locks.locked(folder / STATE / "lock"))
            for folder in self.folders:
                if not folders.is_ours(folder):
                    folders.mark(folder, f"{STAGE}.py", {"crops": False})
            self._found = build_state.read(self.state)
            self._crops = frozenset(self._earlier_crops(planned))
            same = (self.disk() or EXACT).same
            for folder in self.folders:
                crops = frozenset(map(same, self._crops if folder == self.coco else ()))
                folders.check_no_strangers(folder, _ours(crops, same), self._others(folder))
            yield

    def earlier(self, inputs: Mapping[str, Any], sizes: Sizes) -> BuildState | None:
        """Return where an earlier run of the same inputs stopped; None to begin anew."""
        found = self._found
        if found is None:
            return None
        if found.inputs != inputs:
            keys = {*found.inputs, *inputs}
            changed = sorted(k for k in keys if found.inputs.get(k) != inputs.get(k))
            log.info("building anew: since the last run changed %s", ", ".join(changed))
            return None
        if why := self._lost(found, sizes):
            log.info("building anew: %s", why)
            return None
        there = self._closing_files()
        if gone := [name for name, digest in found.files.items() if there.get(name) != digest]:
            log.info("making again what is gone or changed: %s", ", ".join(gone))
            return replace(found, complete=False, files={})
        return found

    def begin(self, inputs: Mapping[str, Any]) -> BuildState:
        """Delete what earlier runs built, and only that; start at the first picture."""
        for folder in self.folders:
            crops = self._crops if folder == self.coco else ()
            folders.clear(folder, {*crops, *output_folder.to_clear(folder)})
            table = {"inputs": dict(inputs), "crops": folder == self.coco}
            folders.mark(folder, f"{STAGE}.py", table)
        self.journal.unlink(missing_ok=True)
        start = BuildState(inputs)
        build_state.write(self.state, start)
        return start

    def roll_back(self, to: BuildState) -> None:
        """Delete crops that were written after the state was, and half-written files."""
        touched = {*self.folders, self.state}
        for line in journal.read(self.journal, to.journal):
            if self.coco is not None and isinstance(line, CropLine):
                path = self.coco / line.name
                path.unlink(missing_ok=True)
                touched.add(path.parent)
        for folder in touched:
            files.remove_leftovers(folder)

    def finish(self, end: BuildState) -> None:
        """Note that a build is complete, when all files that close it are on the disk."""
        for folder in self.folders:
            disk.sync_all(folder, [folder / name for name in output_folder.FILES])
        state = replace(end, complete=True, files=self._closing_files())
        build_state.write(self.state, state)

    def _closing_files(self) -> dict[str, str]:
        """Return the files that close a dataset, and the SHA-256 of each."""
        return {
            f"{'records' if number else 'main'}/{name}": files.sha256(folder / name)
            for number, folder in enumerate(self.folders)
            for name in sorted(output_folder.FILES)
            if (folder / name).is_file()
        }

    def _others(self, folder: Path) -> list[Path]:
        return [other for other in self.folders if other != folder]

    def _lost(self, found: BuildState, sizes: Sizes) -> str | None:
        """Say what the state speaks of and is not there any more, or is not as it was."""
        for folder in self.folders:
            if folders.known(folder).get("inputs") != found.inputs:
                return f"what was in {folder} is gone"
            for split, position in found.shards.items():
                if folder == self.tfrecords and not shards.holds(folder, split, position):
                    return f"a shard of {split} is gone"
        readable = crops = 0
        lines = journal.read_with_ends(self.journal)
        for end, line in itertools.takewhile(lambda at: at[0] <= found.journal, lines):
            readable, crops = end, crops + isinstance(line, CropLine)
            if why := self._changed(line, sizes):
                return why
        if readable != found.journal or crops != found.crops:
            return f"{self.journal} is gone or cannot be read"
        return None

    def _changed(self, line: journal.Line, sizes: Sizes) -> str | None:
        """Say what is no longer as a line of the journal has it."""
        if isinstance(line, DropLine):
            if line.size not in (None, sizes(line.image)):
                return "pictures that could not be read have changed"
        elif isinstance(line, CropLine):
            if self.coco is not None and _size(self.coco / line.name) != line.size:
                return f"{line.name} is gone or changed"
        elif isinstance(line, ShardLine) and self.tfrecords is not None:
            path = shards.shard_path(self.tfrecords, line.split, line.shard)
            if _size(path) != line.size:
                return f"{path.name} is gone or changed"
        return None

    def _earlier_crops(self, planned: Callable[[str], bool]) -> Iterator[str]:
        """Yield the files of crops that earlier builds wrote, there or not."""
        if self.coco is None or not folders.known(self.coco).get("crops", True):
            return
        readable = 0
        for end, line in journal.read_with_ends(self.journal):
            readable = end
            if isinstance(line, CropLine):
                yield line.name
        if self._found is not None and readable >= self._found.journal:
            return
        for path in folders.paths(self.coco, self._others(self.coco)):
            name = path.relative_to(self.coco).as_posix()
            if planned(name):
                yield name


def _ours(crops: frozenset[str], same: Callable[[str], str]) -> folders.IsOurs:
    return lambda path: same(path.as_posix()) in crops or output_folder.is_ours(path)


def _size(path: Path) -> int:
    """Return the size of a file, -1 if there is none."""
    try:
        return path.stat().st_size if path.is_file() else -1
    except OSError:
        return -1
