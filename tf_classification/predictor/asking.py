"""Asks a model about units of crops, in threads that share it, or on a cluster.

A unit's crops meet the model in the same batches whoever asks and whenever, on one thread each
time, so its answer has the same bits.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from database_tools import imaging
from database_tools.core import reasons
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.crops import cutting
from database_tools.imaging import UnreadableImage
from database_tools.work import executors, stream
from database_tools.work.once import opened_once
from tf_classification.predictor.predictor import Floats, Pictures, Predictor
from tf_classification.predictor.sources import Source
from tf_classification.predictor.units import Answer, Unit

Progress = Callable[..., Iterator[Any]]


class Stopped(Exception):  # noqa: N818 - nobody's fault
    """The run ends before its units do."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A model and what it is asked.

    Attributes:
        model: to ask.
        question: what of (N, side, side, 3) pixels: ``of_pixels``, ``features``, ...
        shape: of its answer for one crop.
    """

    model: Predictor
    question: Callable[[Pictures], Floats]
    shape: tuple[int, ...]


class Opening(Protocol):
    """How a worker of a cluster comes by the same model; can be pickled and compared."""

    @property
    def needed(self) -> tuple[Path, ...]:
        """Paths that it must see."""

    def open(self) -> Asked:
        """Open the model; raise UserError if it is another one there."""

    def __hash__(self) -> int:
        """Return what is equal for equals: each is opened once."""


@dataclass(frozen=True)
class Reading:
    """How crops come to a model.

    Attributes:
        root: folder of the crops or pictures.
        recipe: how pictures are cut; None if their files are the crops.
        batch_size: crops that the model is given at a time.
    """

    root: Path
    recipe: CropRecipe | None
    batch_size: int


@dataclass(frozen=True, slots=True)
class Job:
    """A unit on its way to a worker of a cluster."""

    opening: Opening
    reading: Reading
    unit: Unit


@dataclass(frozen=True, eq=False)
class Asker:
    """Asks one model, in any number of threads or on a cluster; ``keep`` is given each answer."""

    asked: Asked
    opening: Opening
    reading: Reading
    keep: Callable[[Unit, Answer], None]
    _stopped: threading.Event = field(default_factory=threading.Event)

    def ask(
        self, waiting: Iterable[Unit], threads: int | None, scheduler: str | None = None
    ) -> Iterator[None]:
        """Ask about units, in their order; yield once for each crop that is done.

        Args:
            waiting: the units.
            threads: None for one for each processor, which is the most.
            scheduler: address of a Dask scheduler whose workers ask instead.

        Raises:
            UserError: if the model gives no finite numbers.
        """
        if scheduler is not None:
            yield from self._elsewhere(waiting, scheduler)
            return
        most = os.cpu_count() or 1
        jobs = ((len(unit.crops), unit) for unit in waiting)
        with ThreadPoolExecutor(min(threads or most, most), thread_name_prefix="ask") as executor:
            try:
                for number, _ in stream.in_order(executor, self._ask, jobs):
                    yield from [None] * number
            finally:
                self._stopped.set()  # between two batches

    def _elsewhere(self, waiting: Iterable[Unit], scheduler: str) -> Iterator[None]:
        reading = replace(self.reading, root=self.reading.root.absolute())
        needed = reading.root, *self.opening.needed
        far = executors.make(1, imaging.own_process, scheduler, needed, "ask")
        with far as executor:
            jobs = ((unit, Job(self.opening, reading, unit)) for unit in waiting)
            for unit, answer in stream.in_order(executor, work, jobs):
                assert answer is not None  # each has a job
                self.keep(unit, answer)
                yield from [None] * len(unit.crops)

    def _ask(self, unit: Unit) -> None:
        self.keep(unit, self.answer(unit))

    def answer(self, unit: Unit) -> Answer:
        """Ask about a unit, in this thread."""
        lost: dict[int, str] = {}
        rows: list[int] = []
        asked = self.asked
        parts = [np.zeros((0, *asked.shape), np.float32)]
        prepared = self._pixels(unit, lost)
        while batch := list(islice(prepared, self.reading.batch_size)):
            if self._stopped.is_set():
                raise Stopped
            found = asked.question([pixels for _, pixels in batch])
            finite = np.isfinite(found).reshape(len(batch), -1).all(axis=1)
            if not finite.all():
                crop = unit.crops[batch[int(finite.argmin())][0]]
                raise UserError(f"{asked.model.path} gives no finite numbers for {crop}")
            rows += [row for row, _ in batch]
            parts.append(np.asarray(found, np.float32))
        return Answer(np.array(rows, np.int64), np.concatenate(parts), lost)

    def _pixels(self, unit: Unit, lost: dict[int, str]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each crop that can be had as the model takes it, after its row."""
        how = self.reading
        crops = (c for source in unit.sources for c in encoded(how.root, source, how.recipe))
        for row, crop in enumerate(crops):
            if isinstance(crop, str):
                lost[row] = crop
                continue
            try:
                yield row, self.asked.model.pixels(crop)
            except UnreadableImage:
                # Models say "corrupt" of whatever they cannot read; the loader knows why.
                lost[row] = _reason(crop)


def work(job: Job) -> Answer:
    """Do a job, in a worker of a cluster."""
    return Asker(_opened(job.opening), job.opening, job.reading, _nowhere).answer(job.unit)


@opened_once
def _opened(opening: Opening) -> Asked:
    return opening.open()


def _nowhere(unit: Unit, answer: Answer) -> None:
    """Keep nothing."""


def encoded(root: Path, source: Source, recipe: CropRecipe | None) -> Iterator[bytes | str]:
    """Yield a source's crops, below ``root``, as files hold them, or why there is none."""
    path = root / source.file
    if source.boxes is None or recipe is None:
        try:
            yield imaging.read(path) if source.span is None else _part(path, *source.span)
        except UnreadableImage as error:
            yield error.reason
        return
    boxes = np.array(source.boxes, np.float64)
    job = cutting.Job(str(path), boxes, recipe, imaging.MAX_PIXELS, records=True, files=False)
    cut = cutting.cut(job)
    if cut.reason is not None:
        yield from [cut.reason] * len(boxes)
    yield from (crop if isinstance(crop, str) else crop.jpeg for crop in cut.crops)


def _part(path: Path, start: int, length: int) -> bytes:
    """Read a crop out of a shard."""
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            content = file.read(length) or b""
    except OSError:
        raise UnreadableImage(reasons.MISSING) from None
    if len(content) != length:
        raise UnreadableImage(reasons.TRUNCATED)
    return content


def _reason(encoded: bytes) -> str:
    try:
        imaging.open_upright(encoded)
    except UnreadableImage as error:
        return error.reason
    return reasons.CORRUPT


def share_processors() -> None:
    """Have TensorFlow compute each call in one thread, as there are as many calls as processors.

    It also makes an answer's bits the same for any number of them.
    """
    import tensorflow as tf

    if not tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # a program that uses it already set it up
            tf.config.threading.set_intra_op_parallelism_threads(1)
