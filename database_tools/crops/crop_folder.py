"""Cuts the boxes of pictures into a folder of crops, one file for each, and accounts for all.

    elk/a.jpg, boxes 0 and 3  ->  FOLDER/elk/a.jpg___crop00_mdv4.1.jpg and ...crop03_mdv4.1.jpg
                                  FOLDER/crops_info.json: how they were cut

Units of pictures go to workers, which look what is there and cut what is not; the parent writes
each crop whole, or not at all, in the order of the pictures.  So a run that was killed goes on,
and any number of workers gives the same bytes.  A cluster's workers that see the folder write
crops themselves; where they do not, the parent looks what is there.  A crop that is there counts
if it is whole: one that some other tool was killed at, or that a power cut emptied, has no end.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from database_tools import imaging
from database_tools.core import limits, reasons
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.core.ledger import Drops, Ledger
from database_tools.core.names import Places, written
from database_tools.crops import cutting
from database_tools.crops.cutting import Crop, Job
from database_tools.crops.source import Bringing, Pictures, Source
from database_tools.crops.wanted import Rule, Wanted
from database_tools.durable import files, locks, naming
from database_tools.durable.folders import STATE
from database_tools.formats import crops_info
from database_tools.formats.crops_info import CropsInfo
from database_tools.work import executors
from database_tools.work.stream import in_order
from database_tools.work.units import Units

log = logging.getLogger(__name__)

_START, _END = b"\xff\xd8", b"\xff\xd9"

Show = Callable[[Iterator[int]], Iterable[int]]
"""Goes through the pictures' numbers, to show progress."""


@dataclass(frozen=True)
class FolderConfig:
    """How pictures are cut.

    ``check``: crops that are there are decoded, to see whether they are whole.  ``max_pixels``:
    of a picture that is still decoded.
    """

    source: Source
    folder: Path
    recipe: CropRecipe
    rule: Rule
    check: bool = False
    workers: int = os.cpu_count() or 1
    dask_scheduler: str | None = None
    max_pixels: int = imaging.MAX_PIXELS

    def __post_init__(self) -> None:
        limits.check(self, "at least 1", "--workers")

    def info(self, detector: object, version: str) -> CropsInfo:
        """Return what is left beside the crops of a detector; no text is no name of one."""
        name = detector if isinstance(detector, str) else None
        return CropsInfo(self.recipe, name, version, self.rule.threshold)


@dataclass(frozen=True, slots=True)
class Task:
    """One picture; whether each of its crops is ``there``, empty if the worker shall look."""

    job: Job
    crops: tuple[str, ...]
    there: tuple[bool, ...]
    check: bool
    write: bool


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a task.

    Attributes:
        crops: for each box None if its crop was there, else the crop, empty if it is written
            already, or why there is none.
        reason: why the picture cannot be read, None if it can or need not.
    """

    crops: tuple[Crop | str | None, ...] = ()
    reason: str | None = None


class Outcome(NamedTuple):
    """What a run did: the ledger of its pictures, its new crops, the pictures that came for it."""

    ledger: Ledger
    new: int
    brought: int


@dataclass
class _Account:
    """What is counted while pictures go through."""

    drops: Drops = field(default_factory=Drops)
    beside: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    total: int = 0
    kept: int = 0
    crops: int = 0
    new: int = 0


def cut(
    pictures: Pictures,
    number: int,
    config: FolderConfig,
    info: CropsInfo,
    stage: str,
    show: Show = iter,
) -> Outcome:
    """Cut what is not there yet of about so many pictures, which are read once, as a stream.

    Raises:
        UserError: if the folder has crops of another recipe or cannot be written, a worker is
            gone, or the pictures' store refuses.
    """
    with locks.locked(config.folder / STATE / "lock"):
        files.remove_leftovers(config.folder / STATE)
        _claim(config.folder, info)
        account = _Account()
        with (
            Bringing(config.source, config.folder) as source,
            executors.make(
                config.workers, imaging.own_process, config.dask_scheduler, source.folders
            ) as executor,
        ):
            elsewhere = executors.is_elsewhere(executor)
            units = Units(number, executors.size(executor), elsewhere=elsewhere)
            with executors.sharing(executor, config.folder / STATE) as shared:
                tasks = _Tasks(config, source, look=shared or not elsewhere, write=shared)
                jobs = _units(pictures, units, tasks, account)
                writer = _Writer(config.folder, account, source)
                results = in_order(executor, _work, jobs, weight=_weight)
                for _ in show(_written(writer, results)):
                    pass
    ledger = account.drops.close(stage, account.total, account.kept)
    beside = dict(sorted(account.beside.items()))
    return Outcome(replace(ledger, made=account.crops, beside=beside), account.new, source.number)


def is_whole(path: str) -> bool:
    """Say whether a file begins and ends as a JPEG does; False if there is none."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(2)
            file.seek(-2, os.SEEK_END)
            return start == _START and file.read(2) == _END
    except OSError:
        return False


def _claim(folder: Path, info: CropsInfo) -> None:
    """Leave beside the crops how they are cut; raise UserError if others were cut otherwise."""
    earlier = crops_info.read(folder)
    if earlier is None:
        found = next(folder.rglob("*___crop*.jpg"), None)
        if found is not None:
            rule = f"but no {crops_info.NAME} says how it was cut; choose another folder"
            raise UserError(f"{folder}: holds {found.relative_to(folder)}, {rule}")
        crops_info.write(folder, info)
        return
    differs = info.recipe.difference(earlier.recipe)
    if not differs and info.version != earlier.version:
        differs = f"detector version {info.version}, not {earlier.version}"
    if differs:
        raise UserError(f"{folder}: its crops were cut otherwise: {differs}; choose another folder")
    thresholds = [t for t in (info.threshold, earlier.threshold) if t is not None]
    least = min(thresholds, default=None)
    together = replace(earlier, detector=earlier.detector or info.detector, threshold=least)
    if together != earlier:
        crops_info.write(folder, together)


def _units(
    pictures: Pictures, units: Units, tasks: _Tasks, account: _Account
) -> Iterator[tuple[list[tuple[str, Wanted]], tuple[Task, ...] | None]]:
    """Yield units of pictures that have boxes; note why others have none."""
    config = tasks.config
    places = Places(naming.look_at(config.folder))
    placed = ((name, _placed(wanted, places)) for name, wanted in pictures)

    def is_cut(wanted: Wanted) -> bool:
        return all(_is_there(str(config.folder / crop), config) for crop in wanted.crops)

    there = iter(tasks.source.come(placed, is_cut))
    while taken := list(islice(there, units.most)):
        unit: list[tuple[str, Wanted]] = []
        for name, wanted in taken:
            account.total += 1
            if isinstance(wanted, str):
                account.drops.add(wanted, name)
            else:
                unit.append((name, wanted))
        yield unit, tuple(tasks.make(wanted) for _, wanted in unit) or None


def _placed(wanted: Wanted | str, places: Places) -> Wanted | str:
    """Return a picture's boxes, or why their crops cannot have their files."""
    if isinstance(wanted, str):
        return wanted
    if written(wanted.picture) is None:
        return reasons.OUTSIDE
    return next(filter(None, map(places.take, wanted.crops)), wanted)


class _Tasks:
    """Makes tasks of pictures."""

    def __init__(self, config: FolderConfig, source: Bringing, *, look: bool, write: bool) -> None:
        self.config, self.source, self._look, self._write = config, source, look, write
        # Workers elsewhere have working folders of their own.
        self._folder = config.folder.absolute()
        self._tidied: set[Path] = set()

    def make(self, wanted: Wanted) -> Task:
        """Make a picture's, after what a killed run left half written beside its crops is gone."""
        self._tidy((self.config.folder / wanted.picture).parent)
        config, path = self.config, str(self.source.path(wanted.picture).absolute())
        job = Job(path, np.array(wanted.boxes), config.recipe, config.max_pixels)
        crops = tuple(str(self._folder / crop) for crop in wanted.crops)
        task = Task(job, crops, (), config.check, self._write)
        return task if self._look else replace(task, there=_there(task))

    def _tidy(self, folder: Path) -> None:
        """Once for each folder: from then on workers may be writing there."""
        if folder not in self._tidied:
            with contextlib.suppress(OSError):
                files.remove_leftovers(folder)
            self._tidied.add(folder)


def _work(tasks: tuple[Task, ...]) -> tuple[Done, ...]:
    return tuple(map(_do, tasks))


def _do(task: Task) -> Done:
    there = task.there or _there(task)
    if all(there):
        return Done((None,) * len(there))
    missing = [i for i, is_there in enumerate(there) if not is_there]
    made = cutting.cut(replace(task.job, boxes=task.job.boxes[missing]))
    if made.reason is not None:
        return Done(reason=made.reason)
    crops: list[Crop | str | None] = [None] * len(there)
    for i, crop in zip(missing, made.crops, strict=True):
        crops[i] = _written_here(task.crops[i], crop) if task.write else crop
    return Done(tuple(crops))


def _written_here(path: str, crop: Crop | str) -> Crop | str:
    """Write a crop, and let only its size travel."""
    if isinstance(crop, str):
        return crop
    files.write_bytes(Path(path), crop.file)
    return replace(crop, file=b"", jpeg=b"")


def _there(task: Task) -> tuple[bool, ...]:
    return tuple(_is_there(path, task) for path in task.crops)


def _is_there(path: str, how: Task | FolderConfig) -> bool:
    if not is_whole(path):
        return False
    if how.check:
        try:
            imaging.open_upright(path)
        except imaging.UnreadableImage:
            return False
    return True


def _weight(done: tuple[Done, ...]) -> int:
    return sum(len(c.file) for d in done for c in d.crops if isinstance(c, Crop))


class _Writer:
    """Writes crops in the order of their pictures, and notes what became of each picture."""

    def __init__(self, folder: Path, account: _Account, source: Bringing) -> None:
        self._folder, self._account, self._source = folder, account, source

    def add(self, name: str, wanted: Wanted, done: Done) -> None:
        """Write the new crops of a picture."""
        self._source.leave(wanted.picture)
        account = self._account
        if done.reason is not None:
            account.drops.add(done.reason, name)
            return
        lost = [crop for crop in done.crops if isinstance(crop, str)]
        if len(lost) == len(done.crops):
            account.drops.add(lost[0], name)
            return
        account.kept += 1
        for path, crop in zip(wanted.crops, done.crops, strict=True):
            if isinstance(crop, str):
                account.beside[reasons.BOXES[crop]].append(path)
                continue
            account.crops += 1
            if crop is not None:
                account.new += 1
                if crop.file:
                    files.write_bytes(self._folder / path, crop.file)


def _written(
    writer: _Writer, results: Iterator[tuple[list[tuple[str, Wanted]], tuple[Done, ...] | None]]
) -> Iterator[int]:
    pairs = (pair for unit, done in results for pair in zip(unit, done or (), strict=True))
    for number, ((name, wanted), result) in enumerate(pairs):
        writer.add(name, wanted, result)
        yield number
