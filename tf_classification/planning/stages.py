"""Every stage of a project on a sample of its pictures, by the library of its command.

Each function does its stage once, for few or for all pictures of the sample, writes below ``out``,
has the clock watch and returns how many items it went through.  They build on each other's folders.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.durable import files
from database_tools.formats import classifier_csv, dataset_info, label_index, megadetector_json

if TYPE_CHECKING:
    from tf_classification.heads.folds import Lesson

FIRST, FEW, ALL = "first", "few", "all"
"""A stage's runs: the first in a process is with few pictures, too."""

TRAIN = "train"

VERSION = "sample"
"""Of the detector, in the names of crops."""

_FOUND, _TABLE, _LABELS = "detections.json", "output.csv.gz", "labels.json"

_PLACES = 10
"""Locations that stand for the project's: what a stage costs does not hang on them."""

_LEARNT = {FEW: 250, ALL: 1_000}
"""Crops to learn from: those of the sample again and again, each time a little otherwise."""

_MERGED = {FIRST: 200, FEW: 200, ALL: 5_000}
"""Pictures to merge: those of the sample again and again, as they alone take no time."""

_BATCH = 16
"""Crops in a step of a training: larger ones would be filled up in a sample."""


@dataclass(frozen=True)
class Sample:
    """A sample of a project's pictures, and what it is asked with.

    Attributes:
        folder: that everything is written to; ``few`` and ``all`` in it hold ``images`` and
            ``detections.json``, the fewer ones of pictures of ``all``.
        detector: finds the animals; None if they are known.
        model: that classifies; None for the head that is learnt.
        model_name: network that embeds; None for none.
        pretrained: its weights: True for ImageNet's, or a path.
        threshold: least confidence of a box.
        num_labels: that a classifier learns.
    """

    folder: Path
    detector: Path | None
    model: Path | None
    model_name: str | None
    pretrained: bool | str
    threshold: float
    num_labels: int

    def detections(self, size: str) -> Path:
        """Return what was found in few or all pictures."""
        return self.folder / (ALL if size == ALL else FEW) / "detections.json"

    def kept(self, stage: str, size: str = ALL) -> Path:
        """Return what a run of a stage left."""
        return self.folder / stage / size

    @property
    def images(self) -> Path:
        """The folder of all pictures."""
        return self.folder / ALL / "images"

    @property
    def classifier(self) -> Path:
        """The model that is asked: a bundle that the sample has made, if there is no other."""
        return self.model or next(self.kept("head", FIRST).glob("*/bundle"))


class Clock:
    """Seconds of this process's processors and of the clock; knows when it went through items."""

    def __init__(self) -> None:
        self.began: tuple[float, float] | None = None
        self.ended: tuple[float, float] | None = None

    @staticmethod
    def now() -> tuple[float, float]:
        """Return both."""
        return time.process_time(), time.time()

    def watch(self, items: Iterable[Any], *_: Any, **__: Any) -> Iterator[Any]:
        """Stand for progress, whichever way a library shows it."""
        self.began = self.began or self.now()
        yield from items
        self.ended = self.now()


def detect(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Detect; the cost is per picture."""
    from database_tools.detections import batch
    from database_tools.detections.batch_config import BatchConfig

    assert sample.detector is not None  # the stage is left out without
    output = out / _FOUND
    config = BatchConfig(
        sample.detector,
        sample.folder / (ALL if size == ALL else FEW) / "images",
        output,
        recursive=True,
        output_relative_filenames=True,
        threshold=min(BatchConfig.threshold, sample.threshold / 2),
    )
    batch.run(config, clock.watch)
    return sum(1 for _ in megadetector_json.images(output))


def crop(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Cut squares into a folder of crops."""
    from database_tools.crops import of_detections
    from database_tools.crops.crop_folder import FolderConfig
    from database_tools.crops.source import Source
    from database_tools.crops.wanted import Rule

    how = CropRecipe(Geometry.SQUARE), Rule(sample.threshold)
    config = FolderConfig(Source(sample.images), out / "crops", *how, workers=1)
    return of_detections.cut(sample.detections(size), VERSION, config, clock.watch).new


def dataset(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Cut padded windows into records, of two labels that are at every location."""
    from database_tools.datasets import classification_dataset
    from database_tools.datasets.build_config import ALL as EVERY
    from database_tools.datasets.build_config import BuildConfig

    images, annotations = [], []
    for i, image in enumerate(megadetector_json.images(sample.detections(size))):
        place = {"location": str(i // 2 % _PLACES)}
        images.append({"id": i, "file_name": image.file, **place})
        annotations.append({"id": i, "image_id": i, "category_id": i % 2})
    names = [{"id": 0, "name": "one"}, {"id": 1, "name": "other"}]
    table = {"images": images, "annotations": annotations, "categories": names}
    files.write_json(out / "annotations.json", table)
    config = BuildConfig(
        out / "annotations.json",
        sample.images,
        "-",
        tfrecords_output=out / "records",
        use_detection_file=sample.detections(size),
        multiple_detections=EVERY,
        detection_threshold=sample.threshold,
        workers=1,
    )
    classification_dataset.build(config, clock.watch)
    info = dataset_info.read(out / "records")
    return info.size("train") + info.size("test")


def embed(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Embed the crops in records."""
    from tf_classification.embeddings import embedding
    from tf_classification.embeddings.request import EmbedRequest

    asked = EmbedRequest(
        model_name=sample.model_name,
        pretrained=sample.pretrained,
        tfrecords=sample.kept("dataset", size) / "records",
        output_dir=out,
        num_workers=1,
    )
    return embedding.run(asked, clock.watch)[1].kept


def head(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Learn and judge a head the first time; then learn only, from as many crops as tell."""
    from tf_classification.embeddings import index
    from tf_classification.heads import course, folds
    from tf_classification.heads import training as learning
    from tf_classification.heads.request import HeadRequest

    embeddings = sample.kept("embed")
    if size == FIRST:
        records = sample.kept("dataset") / "records"
        asked = HeadRequest(tfrecords=records, embeddings=embeddings, logdir=out)
        learning.run(asked, course.prepare(asked), clock.watch)
        return len(index.open(embeddings))
    found = index.open(embeddings)
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
        model_name=str(sample.model_name),
        pretrained=sample.pretrained,
        epochs=epochs,
        batch_size=_BATCH,
        logdir=str(out),
        seed=0,
    )
    training.train(config, None, clock.watch)
    info = dataset_info.read(records)
    return epochs * (info.size("train") + info.size("test"))


def run(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Ask a classifier about the crops."""
    from tf_classification.predictions import running
    from tf_classification.predictions.request import RunRequest

    crops, model = sample.kept("crop", size) / "crops", sample.classifier
    asked = RunRequest(crops_dir=crops, model=model, output=out / _TABLE, num_workers=1)
    return running.run(asked, clock.watch).kept


def repeat(sample: Sample, size: str, out: Path) -> None:
    """Write what is to be merged."""
    found = sample.detections(ALL)
    images, header = list(megadetector_json.images(found)), megadetector_json.read_header(found)
    with classifier_csv.reading(sample.kept("run") / _TABLE) as table:
        labels, rows = table.label_names, list(table)
    times = range(-(-_MERGED[size] // len(images)))
    label_index.write(out / _LABELS, labels)
    with classifier_csv.writing(out / _TABLE, labels) as csv:
        for i, part in product(times, rows):
            csv.write([f"{i}/{path}" for path in part.paths], part.probabilities)
    with megadetector_json.writing(out / _FOUND, header) as writer:
        for i, image in product(times, images):
            writer.add(image._replace(file=f"{i}/{image.file}"))


def merge(sample: Sample, size: str, out: Path, clock: Clock) -> int:
    """Merge a classifier's table into detections; the cost is per picture."""
    from tf_classification.predictions import merging
    from tf_classification.predictions.merge_request import MergeRequest

    found, table, labels = (out / name for name in (_FOUND, _TABLE, _LABELS))
    request = MergeRequest(
        table, labels, out / "merged.json", VERSION, threshold=0.0, detection_json=found
    )
    merging.merge(request)
    return sum(1 for _ in megadetector_json.images(found))


Do = Callable[[Sample, str, Path, Clock], int]
Prepare = Callable[[Sample, str, Path], None]
