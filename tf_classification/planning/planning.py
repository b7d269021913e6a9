"""``plan_project.py``: a sample of the pictures goes through every stage; the rest is arithmetic.

All that the sample leaves lies in a temporary folder, which is deleted, however the run ends.
"""

from __future__ import annotations

import logging
import os
import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.core.label_entries import Picture
from database_tools.crops import wanted
from database_tools.crops.wanted import Rule
from database_tools.detections import pictures
from database_tools.formats import detection_json, megadetector_json
from database_tools.formats.megadetector_json import Header, Image
from database_tools.labels_db.sources import Source
from database_tools.stores.local import LocalFolder
from database_tools.stores.store import Unavailable
from tf_classification.planning import costs, measuring, stages
from tf_classification.planning.costs import Cost, Figure, Stage
from tf_classification.planning.request import LEAST, PlanRequest
from tf_classification.planning.stages import ALL, FEW, Sample

log = logging.getLogger(__name__)

PICTURES, CROPS = "pictures", "crops"

_HELD = {"detect": 150, "dataset": 700, "embed": 500, "head": 7_000, "merge": 100}
"""Bytes of memory of each picture (detect, dataset), crop, or crop that a head is learnt from:
measured by the scripts in scripts/bench, as no sample is large enough to show them."""


@dataclass(frozen=True)
class Plan:
    """What a project will cost.

    Attributes:
        pictures: that it has.
        sampled: of these, pictures that were looked at.
        crops: that it will have.
        cores: of this machine.
        workers: that were asked about; None for none.
        stages: in their order, each with how many items it goes through.
    """

    pictures: int
    sampled: int
    crops: Figure
    cores: int
    workers: int | None
    stages: Sequence[tuple[Stage, Figure]]


def make(asked: PlanRequest) -> Plan:
    """Do what the command is asked for.

    Raises:
        UserError: if there are too few pictures or crops, or whatever a stage says.
    """
    if asked.model is not None and asked.model.is_dir():
        from tf_classification.models import bundle

        bundle.read(asked.model)  # what is no model is said before all else is done
    names, num_labels = _listed(asked)
    with tempfile.TemporaryDirectory(prefix="plan_project-") as name:
        pretrained = True if asked.pretrained is None else str(asked.pretrained)
        network = asked.model_name, pretrained
        how = asked.threshold, num_labels or asked.num_labels
        sample = Sample(Path(name), asked.detector, asked.model, *network, *how)
        chosen = _fetch(asked, sample, names)
        return _Planner(asked, sample, chosen, asked.number or len(names)).plan()


def _listed(asked: PlanRequest) -> tuple[Sequence[str], int]:
    """Return the names of all pictures, and how many labels there are; 0 if nobody says."""
    if asked.labels is None:
        return pictures.named(asked.images_dir, recursive=True).names, 0
    names, labels = [], set()
    for entry in Source(asked.labels, asked.images_dir.name).entries():
        if isinstance(entry, Picture):
            names.append(entry.file)
        elif entry.label is not None:
            labels.add(entry.label)
    return names, max(2, len(labels))


def _fetch(asked: PlanRequest, sample: Sample, names: Sequence[str]) -> list[str]:
    """Bring a random sample into its folder, by hard links where the disk can; return its names."""
    source, chosen, missing = LocalFolder(asked.images_dir), [], 0
    for i in random.Random(asked.seed).sample(range(len(names)), len(names)):
        try:
            source.fetch(names[i], sample.images / names[i])
            chosen.append(names[i])
        except Unavailable:
            missing += 1
        if len(chosen) == asked.sample or missing > 10 * asked.sample:
            break
    if len(chosen) < LEAST:
        found = f"{len(chosen)} of {len(names):,} listed pictures" if missing else len(chosen)
        raise UserError(f"{asked.images_dir}: a plan needs {LEAST} pictures; there are {found}")
    if missing:
        log.warning("WARNING: %d listed pictures are not in %s", missing, asked.images_dir)
    return chosen


class _Planner:
    """Sends a sample through the stages, each of which needs what those before have left."""

    def __init__(
        self, asked: PlanRequest, sample: Sample, names: Sequence[str], number: int
    ) -> None:
        self._asked, self._sample, self._names = asked, sample, names
        self._pictures = Figure(number, number, number)
        self._cores = os.cpu_count() or 1
        self._stages: list[tuple[Stage, Figure]] = []

    def plan(self) -> Plan:
        """Do it."""
        asked, sample = self._asked, self._sample
        if asked.detector is not None:
            self._fetch_few()
            self._add("detect", PICTURES, self._cost("detect", stages.detect), self._cores)
        crops = self._crops = self._find()
        self._add("crop", CROPS, self._cost("crop", stages.crop))
        self._add("dataset", CROPS, self._cost("dataset", stages.dataset))
        if sample.model_name is not None:
            self._add("embed", CROPS, self._cost("embed", stages.embed))
            self._add_head()
        if asked.epochs is not None:
            self._add_training(asked.epochs)
        if sample.model or sample.model_name:
            self._add("run_classifier", CROPS, self._cost("run", stages.run))
            merge = measuring.cost("merge", stages.merge, sample, stages.repeat)
            self._add("merge", PICTURES, merge, 0)
        number = int(self._pictures.value)
        places = self._cores, asked.workers
        return Plan(number, len(self._names), crops, *places, self._stages)

    def _cost(self, name: str, do: stages.Do) -> Cost:
        log.info("trying %s on %d pictures", name, len(self._names))
        return measuring.cost(name, do, self._sample)

    def _add(self, name: str, unit: str, cost: Cost, cores: int = 1) -> None:
        items = self._pictures if unit == PICTURES else self._crops
        held = _HELD.get(name, 0) * (self._pictures if name == "dataset" else items).value
        self._stages.append((Stage(name, unit, cost, cores, held), items))

    def _add_head(self) -> None:
        from tf_classification.heads import folds
        from tf_classification.heads.request import MOST

        cost = self._cost("head", stages.head)
        most, fits = folds.MOST_TO_CHOOSE, len(folds.STRENGTHS) * folds.FOLDS
        items = costs.to_learn(self._crops, most, MOST, fits)
        held = _HELD["head"] * min(self._crops.value, MOST)
        self._stages.append((Stage("train_head", CROPS, cost, 0, held), items))

    def _add_training(self, epochs: int) -> None:
        cost = self._cost(stages.TRAIN, stages.train)
        items = Figure(*(epochs * number for number in self._crops))
        self._stages.append((Stage("train_classifier", CROPS, cost, self._cores), items))

    def _fetch_few(self) -> None:
        """Give the detector some of the pictures, in a folder of their own."""
        source, target = LocalFolder(self._sample.images), self._sample.folder / FEW / "images"
        for name in self._names[: max(1, len(self._names) // 10)]:
            source.fetch(name, target / name)

    def _find(self) -> Figure:
        """Write what was found in the sample, and in the first of its pictures; count crops."""
        header, found = self._found()
        rule = Rule(self._asked.threshold)
        counts = []
        for image in found:
            boxes = wanted.of_found(
                image.file, image, header.detection_categories, rule, stages.VERSION
            )
            counts.append(0 if isinstance(boxes, str) else len(boxes.numbers))
        number = sum(counts)
        if number < LEAST:
            rule_text = f"a plan needs {LEAST} crops; {len(counts)} pictures have {number}"
            raise UserError(f"{rule_text}: say a larger --sample or a lower --threshold")
        sums = enumerate(accumulate(counts), 1)
        few = next(i for i, n in sums if n >= max(LEAST // 2, number // 10))
        if sum(counts[:few]) == number:
            raise UserError(
                f"{number} crops of so few pictures tell nothing: say a larger --sample"
            )
        for size, part in ((FEW, found[:few]), (ALL, found)):
            _write(self._sample.detections(size), header, part)
        return costs.scaled(counts, int(self._pictures.value))

    def _found(self) -> tuple[Header, list[Image]]:
        """Return what is known of the sample, in its order."""
        path = self._asked.detections_json or self._sample.kept("detect") / "detections.json"
        names = set(self._names)
        entries = {i.file: i for i in detection_json.images(path) if i.file in names}
        if missing := len(names) - len(entries):
            rule = f"{missing} of {len(names)} pictures of the sample are not in it"
            raise UserError(f"{path}: {rule}, by their names in {self._asked.images_dir}")
        # whose version it is does not matter here, and would have to be one
        return replace(detection_json.read_header(path), info={}), [
            entries[name] for name in self._names
        ]


def _write(path: Path, header: Header, images: Iterable[Image]) -> None:
    with megadetector_json.writing(path, header) as writer:
        for image in images:
            writer.add(image)
