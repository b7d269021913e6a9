"""Asks a model about one unit of crops.

A unit's crops meet the model in the same batches whoever asks and whenever, on one thread each
time, so its answer has the same bits.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from database_tools import imaging
from database_tools.core import reasons
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.crops import cutting
from database_tools.imaging import UnreadableImage
from tf_classification.predictions import units
from tf_classification.predictions.sources import Source
from tf_classification.predictions.units import Answer, Unit
from tf_classification.predictor import Predictor


class Stopped(Exception):  # noqa: N818 - nobody's fault
    """The run ends before its units do."""


@dataclass(frozen=True, eq=False)
class Asker:
    """Asks one model, in any number of threads.

    Attributes:
        model: to ask.
        root: folder of the crops or pictures.
        recipe: how pictures are cut; None if their files are the crops.
        batch_size: crops that the model is given at a time.
        folder: of the answers.
        stopped: ends the work between two batches once it is set.
    """

    model: Predictor
    root: Path
    recipe: CropRecipe | None
    batch_size: int
    folder: Path
    stopped: threading.Event

    def path(self, unit: Unit) -> Path:
        """Return where a unit's answer is kept."""
        return self.folder / f"{unit.name}{units.ENDING}"

    def __call__(self, unit: Unit) -> None:
        """Ask about a unit and keep the answer.

        Raises:
            UserError: if the model gives no finite numbers.
        """
        units.write(self.path(unit), self._ask(unit))

    def _ask(self, unit: Unit) -> Answer:
        lost: dict[int, str] = {}
        rows: list[int] = []
        parts = [np.zeros((0, len(self.model.labels)), np.float32)]
        prepared = self._pixels(unit, lost)
        while batch := list(islice(prepared, self.batch_size)):
            if self.stopped.is_set():
                raise Stopped
            found = self.model.of_pixels([pixels for _, pixels in batch])
            if not np.isfinite(found).all():
                crop = unit.crops[batch[int(np.isfinite(found).all(axis=1).argmin())][0]]
                raise UserError(f"{self.model.path} gives no finite numbers for {crop}")
            rows += [row for row, _ in batch]
            parts.append(np.asarray(found, np.float32))
        return Answer(np.array(rows, np.int64), np.concatenate(parts), lost)

    def _pixels(self, unit: Unit, lost: dict[int, str]) -> Iterator[tuple[int, np.ndarray]]:
        """Yield each crop that can be had as the model takes it, after its row."""
        encoded = (crop for source in unit.sources for crop in self._encoded(source))
        for row, crop in enumerate(encoded):
            if isinstance(crop, str):
                lost[row] = crop
                continue
            try:
                yield row, self.model.pixels(crop)
            except UnreadableImage:
                # Models say "corrupt" of whatever they cannot read; the loader knows why.
                lost[row] = _reason(crop)

    def _encoded(self, source: Source) -> Iterator[bytes | str]:
        """Yield a source's crops as files hold them, or why there is none."""
        path = self.root / source.file
        if source.boxes is None or self.recipe is None:
            try:
                yield imaging.read(path)
            except UnreadableImage as error:
                yield error.reason
            return
        boxes = np.array(source.boxes, np.float64)
        job = cutting.Job(
            str(path), boxes, self.recipe, imaging.MAX_PIXELS, records=True, files=False
        )
        cut = cutting.cut(job)
        if cut.reason is not None:
            yield from [cut.reason] * len(boxes)
        yield from (crop if isinstance(crop, str) else crop.jpeg for crop in cut.crops)


def _reason(encoded: bytes) -> str:
    try:
        imaging.open_upright(encoded)
    except UnreadableImage as error:
        return error.reason
    return reasons.CORRUPT
