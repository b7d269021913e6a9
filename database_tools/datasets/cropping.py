"""The cutting pass: every picture of the plan once, in listed order, into the dataset.

The order makes ids and shards; workers only cut, a few pictures ahead of the one that is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from database_tools import imaging
from database_tools.core import reasons
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.detections import Detections, Failure
from database_tools.core.names import Numbered
from database_tools.crops import cutting
from database_tools.crops.cutting import Crop, Cut, Job
from database_tools.datasets.crop_example import About
from database_tools.datasets.dataset_writer import DatasetWriter
from database_tools.datasets.plan import Plan
from database_tools.datasets.progress import Progress
from database_tools.datasets.results import Results
from database_tools.datasets.workspace import Workspace
from database_tools.durable import files
from database_tools.work import executors

_AHEAD = 4
"""Pictures for each worker that wait or are done: hides slow ones, bounds memory."""


@dataclass(frozen=True)
class CropConfig:
    """How pictures are cut.

    Attributes:
        image_dir: folder of the pictures.
        recipe: how they are cut and encoded.
        max_pixels: of a picture that is still decoded.
        workers: processes that cut.
        per_shard: records in a shard.
        files: whether files of crops are wanted.
        records: whether records are.
    """

    image_dir: Path
    recipe: CropRecipe
    max_pixels: int
    workers: int
    per_shard: int
    files: bool
    records: bool


@dataclass(frozen=True, slots=True)
class _Picture:
    """A picture on its way: its position, and its boxes or why it has none to cut."""

    image: int
    chosen: Detections | Failure | str


class Cropping:
    """One cutting pass."""

    def __init__(self, config: CropConfig, plan: Plan, results: Results) -> None:
        self._config, self._plan, self._results = config, plan, results
        self._numbered = Numbered(name for name in plan.names if name is not None)

    def size(self, image: int) -> int:
        """Return the size of a picture's file in bytes, -1 if there is none."""
        try:
            return (self._config.image_dir / self._plan.name(image)).stat().st_size
        except (OSError, ValueError):
            return -1

    def run(
        self,
        workspace: Workspace,
        start: Progress,
        watch: Callable[[range], Iterable[int]],
    ) -> Progress:
        """Add the pictures from ``start`` on to the dataset; return where that ended."""
        config = self._config
        with (
            files.writing_below(workspace.main),
            executors.make(config.workers, imaging.own_process) as executor,
            DatasetWriter(workspace, start, config.per_shard) as writer,
        ):
            images = watch(range(start.next, len(self._plan)))
            jobs = self._jobs(images)
            ahead = _AHEAD * config.workers
            for picture, cut in executors.in_order(executor, cutting.cut, jobs, ahead):
                self._add(writer, picture, cut)
                writer.finished(picture.image)
            return writer.close()

    def _jobs(self, images: Iterable[int]) -> Iterator[tuple[_Picture, Job | None]]:
        for image in images:
            reason = self._plan.reason(image)
            chosen = self._results.choose(image) if reason is None else reason
            job = None
            if isinstance(chosen, Detections):
                job = self._job(image, chosen)
            yield _Picture(image, chosen), job

    def _job(self, image: int, chosen: Detections) -> Job:
        config = self._config
        return Job(
            str(config.image_dir / self._plan.name(image)),
            chosen.boxes,
            config.recipe,
            config.max_pixels,
            records=config.records,
            files=config.files,
        )

    def _add(self, writer: DatasetWriter, picture: _Picture, cut: Cut | None) -> None:
        if isinstance(picture.chosen, Failure):
            writer.drop(picture.image, picture.chosen.reason, self.size(picture.image))
        elif isinstance(picture.chosen, str):
            writer.drop(picture.image, picture.chosen, None)
        elif cut is not None and cut.reason is not None:
            writer.drop(picture.image, cut.reason, self.size(picture.image))
        elif cut is None or not any(isinstance(crop, Crop) for crop in cut.crops):
            first = cut.crops[0] if cut and cut.crops else reasons.NO_AREA
            writer.drop(picture.image, str(first), None)
        else:
            self._add_crops(writer, picture.image, picture.chosen, cut)

    def _add_crops(self, writer: DatasetWriter, image: int, chosen: Detections, cut: Cut) -> None:
        table = self._plan.annotations
        label = table.classes[image]
        for box, crop in enumerate(cut.crops):
            if isinstance(crop, str):
                writer.drop_box(image, box)
                continue
            name = self._plan.name(image)
            if len(cut.crops) > 1:
                name = self._numbered.name(name, box)
            about = About(
                id=writer.next_id,
                file=table.files[image],
                original_key=str(table.ids[image]),
                label=label,
                category=table.categories[label],
                location=self._plan.location(image),
                sequence=table.sequences[image],
                confidence=float(chosen.scores[box]),
            )
            file = str(PurePosixPath(self._plan.folders[label], name))
            writer.crop(image, self._plan.split(image), file, crop, about)
