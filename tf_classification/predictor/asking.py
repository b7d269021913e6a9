"""Asks a model about units of crops, in threads that share it.

A unit's crops meet the model in the same batches whoever asks and whenever, on one thread each
time, so its answer has the same bits.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from database_tools import imaging
from database_tools.core import reasons
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.crops import cutting
from database_tools.imaging import UnreadableImage
from database_tools.work import stream
from tf_classification.predictor.predictor import Floats, Pictures, Predictor
from tf_classification.predictor.sources import Source
from tf_classification.predictor.units import Answer, Unit

Progress = Callable[..., Iterator[Any]]


class Stopped(Exception):  # noqa: N818 - nobody's fault
    """The run ends before its units do."""


@dataclass(frozen=True, eq=False)
class Asker:
    """Asks one model, in any number of threads.

    Attributes:
        model: to ask.
        question: what of (N, side, side, 3) pixels: ``of_pixels``, ``features``, ...
        shape: of its answer for one crop.
        keep: is given each unit's answer, in the thread that asked.
        root: folder of the crops or pictures.
        recipe: how pictures are cut; None if their files are the crops.
        batch_size: crops that the model is given at a time.
    """

    model: Predictor
    question: Callable[[Pictures], Floats]
    shape: tuple[int, ...]
    keep: Callable[[Unit, Answer], None]
    root: Path
    recipe: CropRecipe | None
    batch_size: int
    _stopped: threading.Event = field(default_factory=threading.Event)

    def ask(self, waiting: Iterable[Unit], threads: int | None) -> Iterator[None]:
        """Ask about units, in their order; yield once for each crop that is done.

        Args:
            waiting: the units.
            threads: None for one for each processor, which is the most.

        Raises:
            UserError: if the model gives no finite numbers.
        """
        most = os.cpu_count() or 1
        jobs = ((len(unit.crops), unit) for unit in waiting)
        with ThreadPoolExecutor(min(threads or most, most), thread_name_prefix="ask") as executor:
            try:
                for number, _ in stream.in_order(executor, self._ask, jobs):
                    yield from [None] * number
            finally:
                self._stopped.set()  # between two batches

    def _ask(self, unit: Unit) -> None:
        self.keep(unit, self._answer(unit))

    def _answer(self, unit: Unit) -> Answer:
        lost: dict[int, str] = {}
        rows: list[int] = []
        parts = [np.zeros((0, *self.shape), np.float32)]
        prepared = self._pixels(unit, lost)
        while batch := list(islice(prepared, self.batch_size)):
            if self._stopped.is_set():
                raise Stopped
            found = self.question([pixels for _, pixels in batch])
            finite = np.isfinite(found).reshape(len(batch), -1).all(axis=1)
            if not finite.all():
                crop = unit.crops[batch[int(finite.argmin())][0]]
                raise UserError(f"{self.model.path} gives no finite numbers for {crop}")
            rows += [row for row, _ in batch]
            parts.append(np.asarray(found, np.float32))
        return Answer(np.array(rows, np.int64), np.concatenate(parts), lost)

    def _pixels(self, unit: Unit, lost: dict[int, str]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each crop that can be had as the model takes it, after its row."""
        crops = (c for source in unit.sources for c in encoded(self.root, source, self.recipe))
        for row, crop in enumerate(crops):
            if isinstance(crop, str):
                lost[row] = crop
                continue
            try:
                yield row, self.model.pixels(crop)
            except UnreadableImage:
                # Models say "corrupt" of whatever they cannot read; the loader knows why.
                lost[row] = _reason(crop)


def encoded(root: Path, source: Source, recipe: CropRecipe | None) -> Iterator[bytes | str]:
    """Yield a source's crops as files hold them, or why there is none.

    Args:
        root: folder that the source's file is below.
        source: what to read.
        recipe: how a picture with boxes is cut.
    """
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
