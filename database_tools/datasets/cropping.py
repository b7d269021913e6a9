"""What a build cuts out of which picture, and where each crop goes.

Units of listed pictures go to workers, which only cut; the order of the pictures makes ids,
names and shards, so the same crops come of any units and any number of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.detections import Detections, Failure
from database_tools.core.names import Numbered, unnumbered
from database_tools.crops.cutting import Crop, Cut, Job
from database_tools.datasets.build_config import BuildConfig
from database_tools.datasets.crop_example import About
from database_tools.datasets.dataset_writer import DatasetWriter
from database_tools.datasets.plan import Plan
from database_tools.datasets.results import Results
from database_tools.durable import spelling
from database_tools.work import executors
from database_tools.work.units import Units


@dataclass(frozen=True, slots=True)
class Unit:
    """Pictures on their way, and the boxes of each, or why it has none to cut."""

    images: range
    chosen: list[Detections | Failure | str]


class Cropping:
    """One cutting pass: gives the jobs, and takes what became of them."""

    def __init__(self, config: BuildConfig, plan: Plan, results: Results) -> None:
        self._config, self._plan, self._results = config, plan, results
        self._image_dir = config.image_dir.absolute()  # for workers elsewhere
        self._recipe = CropRecipe.of_2019(config.padding_factor)
        self._has_files = config.coco_style_output is not None
        names = (name for name in plan.names if name is not None)
        self._numbered = Numbered(names, plan.disk)
        self._units: Units | None = None

    def size(self, image: int) -> int:
        """Return the size of a picture's file in bytes, -1 if there is none."""
        try:
            path = self._image_dir / self._plan.name(image)
            return spelling.locate(path).stat().st_size
        except (OSError, ValueError):
            return -1

    def jobs(
        self, images: Iterable[int], executor: Executor
    ) -> Iterator[tuple[Unit, tuple[Job, ...] | None]]:
        """Yield units with a job for each picture that is cut, as large as suits an executor."""
        elsewhere = executors.is_elsewhere(executor)
        units = Units(len(self._plan), executors.size(executor), elsewhere=elsewhere)
        self._units = units
        for numbers in units.of(images):
            unit = Unit(numbers, [self._choose(image) for image in numbers])
            jobs = tuple(
                self._job(image, chosen)
                for image, chosen in zip(numbers, unit.chosen, strict=True)
                if isinstance(chosen, Detections)
            )
            yield unit, jobs or None

    def add(self, writer: DatasetWriter, unit: Unit, cuts: tuple[Cut, ...] | None) -> None:
        """Add the pictures of a unit to the dataset; ``cuts`` are of those that had a job."""
        if self._units is not None:
            self._units.weigh(len(unit.images), weight(cuts or ()))
        done = iter(cuts or ())
        for image, chosen in zip(unit.images, unit.chosen, strict=True):
            if isinstance(chosen, Failure):
                writer.drop(image, chosen.reason, self.size(image))
            elif isinstance(chosen, str):
                writer.drop(image, chosen, None)
            else:
                self._add_cut(writer, image, chosen, next(done))
            writer.finished(image)

    def _choose(self, image: int) -> Detections | Failure | str:
        return self._plan.reason(image) or self._results.choose(image)

    def _job(self, image: int, chosen: Detections) -> Job:
        return Job(
            str(self._image_dir / self._plan.name(image)),
            chosen.boxes,
            self._recipe,
            self._config.max_pixels,
            records=self._config.tfrecords_output is not None,
            files=self._has_files,
        )

    def _add_cut(self, writer: DatasetWriter, image: int, chosen: Detections, cut: Cut) -> None:
        if cut.reason is not None:
            writer.drop(image, cut.reason, self.size(image))
        elif not any(isinstance(crop, Crop) for crop in cut.crops):
            writer.drop(image, str(cut.crops[0]), None)
        elif reason := self._refusal(names := self._names(image, len(cut.crops))):
            writer.drop(image, reason, None)
        else:
            self._add_crops(writer, image, chosen, cut, names)

    def _names(self, image: int, boxes: int) -> list[str]:
        """Name the files of a picture's crops, relative to the folder of crops."""
        folder = self._plan.folders[self._plan.annotations.classes[image]]
        name = self._plan.name(image)
        names = [self._numbered.name(name, i) for i in range(boxes)] if boxes > 1 else [name]
        return [f"{folder}/{name}" for name in names]

    def _refusal(self, names: list[str]) -> str | None:
        """Say why not all of a picture's crops can have their files; None if they can."""
        refusals = map(self._plan.disk.refusal, names if self._has_files else ())
        return next(filter(None, refusals), None)

    def _add_crops(
        self, writer: DatasetWriter, image: int, chosen: Detections, cut: Cut, names: list[str]
    ) -> None:
        table = self._plan.annotations
        label = table.classes[image]
        for box, crop in enumerate(cut.crops):
            if isinstance(crop, str):
                writer.drop_box(image, box, crop)
                continue
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
            writer.crop(image, self._plan.split(image), names[box], crop, about)


def weight(cuts: tuple[Cut, ...]) -> int:
    """Return the bytes of what was cut."""
    crops = (crop for cut in cuts for crop in cut.crops if isinstance(crop, Crop))
    return sum(len(c.file) + (0 if c.jpeg is c.file else len(c.jpeg)) for c in crops)


def planned(plan: Plan) -> Callable[[str], bool]:
    """Return a function that says whether a file is called as a crop of a listed picture."""

    @cache
    def pictures() -> frozenset[str]:
        rows = zip(plan.names, plan.annotations.classes, strict=True)
        return frozenset(f"{plan.folders[c]}/{n}" for n, c in rows if n is not None and c >= 0)

    return lambda crop: any(picture in pictures() for picture, _ in unnumbered(crop))
