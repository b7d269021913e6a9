"""Every stage of a project on a sample of its pictures, by the library of its command.

Each function does its stage once, for few or for all pictures of the sample, writes below ``out``,
has the clock watch and returns how many items it went through.  They build on each other's folders.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.detections import image_table
from database_tools.durable import files
from database_tools.formats import classifier_csv, dataset_info, label_index, megadetector_json
from tf_classification.planning import measuring
from tf_classification.planning.costs import ALL, CPU, DISK, FEW, FIRST, WALL, WIDE, Cost, Figure
from tf_classification.planning.measuring import Clock
from tf_classification.planning.request import PlanRequest

if TYPE_CHECKING:
    from tf_classification.heads.folds import Lesson

log = logging.getLogger(__name__)

PICTURES, CROPS = "pictures", "crops"

ONE, EVERY, ALONE = "one", "every", "alone"
"""Cores that a stage's wall time is measured on: one of those that it will use, all that there
are, or the only one that it can use."""

VERSION = "sample"
"""Of the detector, in the names of crops."""

FOUND, _TABLE = "detections.json", "output.csv.gz"

_PLACES = 10
"""Locations that stand for the project's: what a stage costs does not hang on them."""

_LEARNT = {FEW: 250, ALL: 1_000}
"""Crops to learn from: those of the sample again and again, each time a little otherwise."""

_BATCH = 16
"""Crops in a step of a training: larger ones would be filled up in a sample."""


@dataclass(frozen=True)
class Sample:
    """A sample of a project's pictures.

    Attributes:
        folder: that everything is written to; ``few`` and ``all`` in it hold ``images`` and
            ``detections.json``, the fewer ones of pictures of ``all``.
        asked: what the plan is to hold.
        num_labels: that a classifier learns.
    """

    folder: Path
    asked: PlanRequest
    num_labels: int

    def images(self, size: str = ALL) -> Path:
        """Return the folder of few or all pictures."""
        return self.folder / (ALL if size == ALL else FEW) / "images"

    def detections(self, size: str = ALL) -> Path:
        """Return what was found in few or all pictures."""
        return self.images(size).with_name(FOUND)

    def kept(self, stage: str, size: str = ALL) -> Path:
        """Return what a run of a stage left; only some have a wide one."""
        return self.folder / stage / (ALL if size == WIDE else size)


def detect(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Detect; the cost is per picture."""
    from database_tools.detections import batch
    from database_tools.detections.batch_config import BatchConfig

    detector, output = sample.asked.detector, out / FOUND
    assert detector is not None  # the stage is left out without
    config = BatchConfig(
        detector,
        sample.images(size),
        output,
        recursive=True,
        output_relative_filenames=True,
        threshold=min(BatchConfig.threshold, sample.asked.threshold / 2),
    )
    batch.run(config, clock.watch)
    return sum(1 for _ in megadetector_json.images(output))


def crop(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Cut squares into a folder of crops."""
    from database_tools.crops import of_detections
    from database_tools.crops.crop_folder import FolderConfig
    from database_tools.crops.source import Source
    from database_tools.crops.wanted import Rule

    how = CropRecipe(Geometry.SQUARE), Rule(sample.asked.threshold)
    config = FolderConfig(Source(sample.images()), out / "crops", *how, workers=1)
    return of_detections.cut(sample.detections(size), VERSION, config, clock.watch).new


def dataset(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Cut padded windows into records, of labels that are at every location."""
    from database_tools.datasets import classification_dataset
    from database_tools.datasets.build_config import ALL as EVERY
    from database_tools.datasets.build_config import BuildConfig

    found = list(megadetector_json.images(sample.detections(size)))
    labels = max(2, min(sample.num_labels, len(found) // (2 * _PLACES)))
    images = [
        {"id": i, "file_name": image.file, "location": str(i // labels % _PLACES)}
        for i, image in enumerate(found)
    ]
    annotations = [{"id": i, "image_id": i, "category_id": i % labels} for i, _ in enumerate(found)]
    names = [{"id": i, "name": f"label {i}"} for i in range(labels)]
    table = {"images": images, "annotations": annotations, "categories": names}
    annotated = sample.folder / f"{size}.json"
    files.write_json(annotated, table)
    config = BuildConfig(
        annotated,
        sample.images(),
        "-",
        tfrecords_output=out / "records",
        use_detection_file=sample.detections(size),
        multiple_detections=EVERY,
        detection_threshold=sample.asked.threshold,
        workers=1,
    )
    classification_dataset.build(config, clock.watch)
    return _crops(out / "records")


def _crops(records: Path) -> int:
    info = dataset_info.read(records)
    return info.size("train") + info.size("test")


def embed(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Embed the crops in records."""
    from tf_classification.embeddings import embedding
    from tf_classification.embeddings.request import EmbedRequest

    asked = EmbedRequest(
        model_name=sample.asked.model_name,
        pretrained=str(sample.asked.pretrained or "") or True,
        tfrecords=sample.kept("dataset", size) / "records",
        output_dir=out,
        num_workers=_threads(size),
    )
    return embedding.run(asked, clock.watch)[1].kept


def _threads(size: str) -> int:
    return 2 if size == WIDE else 1


def head(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Learn and judge a head the first time; then learn only, from as many crops as tell."""
    from tf_classification.embeddings import index
    from tf_classification.heads import course, folds
    from tf_classification.heads import training as learning
    from tf_classification.heads.request import HeadRequest

    embeddings = sample.kept("embed")
    found = index.open(embeddings)
    if size == FIRST:
        records = sample.kept("dataset") / "records"
        asked = HeadRequest(tfrecords=records, embeddings=embeddings, logdir=out)
        learning.run(asked, course.prepare(asked), clock.watch)
        return len(found)
    lesson = _lesson(found.features(np.arange(len(found)))[:, 0], sample.num_labels, _LEARNT[size])
    folds.learn(lesson, 0)
    return len(lesson)


def _lesson(features: Any, num_labels: int, number: int) -> Lesson:
    """Make so many crops of those of a sample; a label is what is nearest to one of them."""
    from tf_classification.heads.folds import Lesson

    rng = np.random.default_rng(0)
    known = features.astype(np.float32)
    typical = known[rng.permutation(len(known))[:num_labels]]
    nearest = ((known[:, None] - typical) ** 2).sum(axis=2).argmin(axis=1)
    chosen = np.arange(number) % len(known)
    noise = rng.standard_normal((number, known.shape[1]), np.float32) * known.std(axis=0) / 2
    points = (known[chosen] + noise)[:, None]
    places = rng.integers(0, _PLACES, number)
    return Lesson(points, nearest[chosen], places, np.ones(number), len(typical))


def train(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Train the whole network for one epoch or two; the cost is per crop of an epoch."""
    from tf_classification.runs.config import TrainConfig
    from tf_classification.training import run as training

    records = sample.kept("dataset") / "records"
    epochs = 2 if size == ALL else 1
    config = TrainConfig(
        tfrecords=str(records),
        model_name=str(sample.asked.model_name),
        pretrained=str(sample.asked.pretrained or "") or True,
        epochs=epochs,
        batch_size=_BATCH,
        logdir=str(out),
        seed=0,
    )
    training.train(config, None, clock.watch)
    return epochs * _crops(records)


def run(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Ask a classifier about the crops."""
    from tf_classification.predictions import running
    from tf_classification.predictions.request import RunRequest

    crops = sample.kept("crop", size) / "crops"
    model = sample.asked.model or next(sample.kept("train_head", FIRST).glob("*/bundle"))
    asked = RunRequest(
        crops_dir=crops, model=model, output=out / _TABLE, num_workers=_threads(size)
    )
    return running.run(asked, clock.watch).kept


def merge(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Merge a classifier's table into detections; the cost is per picture."""
    from tf_classification.predictions import merging
    from tf_classification.predictions.merge_request import MergeRequest

    found, labels = sample.detections(size), out / "labels.json"
    table = sample.kept("run_classifier", size) / _TABLE
    with classifier_csv.reading(table) as answers:
        label_index.write(labels, answers.label_names)
    paths = table, labels, out / "merged.json"
    merging.merge(MergeRequest(*paths, VERSION, threshold=0.0, detection_json=found))
    return sum(1 for _ in megadetector_json.images(found))


@dataclass(frozen=True)
class Stage:
    """What a stage of a project will cost; the names are those of the JSON.

    Attributes:
        stage: its name.
        unit: what it goes through.
        items: how many.
        cpu_seconds_to_start: of all seconds, those that do not hang on the items.
        wall_seconds: on this machine.
        wall_seconds_on_workers: of one core each, at best: all share alike; None for none.
        memory_bytes: of its process.
        disk_bytes: that it leaves.
    """

    stage: str
    unit: str
    items: Figure
    cpu_seconds: Figure
    cpu_seconds_to_start: float
    cpu_seconds_each: float
    wall_seconds: Figure
    wall_seconds_on_workers: Figure | None
    memory_bytes: float
    disk_bytes: Figure


@dataclass(frozen=True)
class Kind:
    """A stage of any project.

    Attributes:
        name: of it.
        do: does it with a sample.
        unit: what it goes through.
        cores: ``ONE``, ``EVERY`` or ``ALONE``.
        needs: what a request has to have, any of these; none if every project has it.
        held: bytes that its process keeps of each picture or crop of the project: measured by the
            scripts in scripts/bench, as no sample is large enough to show them.
        most: says how many it takes at most.
        items: how many crops' cost it is, of a request and its crops.
        runs: with what of the sample.
    """

    name: str
    do: Callable[[Sample, str, Path, Clock], int]
    unit: str = CROPS
    cores: str = ONE
    needs: tuple[str, ...] = ()
    held: int = 0
    most: Callable[[], float] = lambda: np.inf
    items: Callable[[PlanRequest, float], float] = lambda asked, crops: crops
    runs: tuple[str, ...] = (FIRST, FEW, ALL)

    def wanted(self, asked: PlanRequest) -> bool:
        """Say whether a project has it."""
        return not self.needs or any(getattr(asked, name) is not None for name in self.needs)

    def cost(self, sample: Sample) -> Cost:
        """Measure it; raise UserError for whatever it says."""
        log.info("trying %s", self.name)
        return measuring.cost(partial(self.do, sample), self.runs, sample.folder / self.name)

    def planned(self, asked: PlanRequest, cost: Cost, pictures: Figure, crops: Figure) -> Stage:
        """Say what it costs a project."""
        start, each, here = cost.start.tolist(), cost.each.tolist(), os.cpu_count() or 1
        there = pictures if self.unit == PICTURES else crops
        items = there.to(partial(self.items, asked))

        def line(first: float, more: float) -> Figure:
            return items.to(lambda number: first + more * number)

        peak = cost.peak + (here - 1) * cost.further
        share = here if self.cores == ONE else 1
        far = each[WALL] if self.cores == ALONE else each[CPU] / (asked.workers or 1)
        return Stage(
            stage=self.name,
            unit=self.unit,
            items=items,
            cpu_seconds=line(start[CPU], each[CPU]),
            cpu_seconds_to_start=start[CPU],
            cpu_seconds_each=each[CPU],
            # what a busy machine measured: no less than its processors take
            wall_seconds=line(
                max(start[WALL], start[CPU] / here), max(each[WALL] / share, each[CPU] / here)
            ),
            wall_seconds_on_workers=None if asked.workers is None else line(start[WALL], far),
            memory_bytes=peak + self.held * min(self.most(), there.value),
            disk_bytes=line(start[DISK], each[DISK]),
        )


def _most_learnt() -> int:
    from tf_classification.heads.request import MOST  # imports what most stages do not

    return MOST


def _to_learn(asked: PlanRequest, crops: float) -> float:
    """Count a head's crops: its strength is chosen by some, then it is learnt from more."""
    from tf_classification.heads import folds

    fits = len(folds.STRENGTHS) * folds.FOLDS
    return (fits * min(crops, folds.MOST_TO_CHOOSE) + min(crops, _most_learnt())) / (fits + 1)


def _in_epochs(asked: PlanRequest, crops: float) -> float:
    return (asked.epochs or 0) * crops


EMBEDS, CLASSIFIES = ("model_name",), ("model", "model_name")

DETECT = Kind("detect", detect, PICTURES, EVERY, ("detector",), held=150)
OTHERS = (
    Kind("crop", crop, held=1_700, most=lambda: image_table.IN_MEMORY),
    Kind("dataset", dataset, held=700),
    Kind("embed", embed, needs=EMBEDS, held=500, runs=(FIRST, FEW, ALL, WIDE)),
    Kind("train_head", head, CROPS, ALONE, EMBEDS, held=7_000, most=_most_learnt, items=_to_learn),
    # its steps are compiled each time: the first run tells as much as others
    Kind("train_classifier", train, CROPS, EVERY, ("epochs",), items=_in_epochs, runs=(FIRST, ALL)),
    Kind("run_classifier", run, needs=CLASSIFIES, runs=(FIRST, FEW, ALL, WIDE)),
    # SQLite keeps 64 MB of the crops, and as much again while it sorts them
    Kind("merge", merge, PICTURES, ALONE, CLASSIFIES, held=300, most=lambda: 430_000),
)
"""In their order."""
