"""``plan_project.py``: a sample of the pictures goes through every stage; the rest is arithmetic.

All that the sample leaves lies in a temporary folder, which is deleted, however the run ends.
"""

from __future__ import annotations

import logging
import os
import random
import tempfile
from collections.abc import Sequence
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
from database_tools.stores import Folder, open_store
from database_tools.stores.store import Unavailable
from tf_classification.planning import costs
from tf_classification.planning.costs import ALL, FEW, Figure
from tf_classification.planning.request import LEAST, PlanRequest
from tf_classification.planning.stages import DETECT, FOUND, OTHERS, VERSION, Sample, Stage

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What a project will cost; the names are those of the JSON.

    Attributes:
        pictures: that it has.
        sample: of these, pictures that were looked at.
        crops: that it will have.
        cores: of this machine.
        workers: that were asked about; None for none.
        stages: in their order.
    """

    pictures: int
    sample: int
    crops: Figure
    cores: int
    workers: int | None
    stages: Sequence[Stage]


def make(asked: PlanRequest) -> Plan:
    """Do what the command is asked for.

    Raises:
        UserError: if there are too few pictures or crops, or whatever a stage says.
    """
    if asked.model is not None and asked.model.is_dir():
        from tf_classification.models import bundle

        bundle.read(asked.model)  # what is no model is said before all else is done
    names, num_labels = _listed(asked)
    number = asked.number or len(names)
    with tempfile.TemporaryDirectory(prefix="plan_project-") as folder:
        sample = Sample(Path(folder), asked, num_labels or asked.num_labels)
        chosen = _fetch(names, sample)
        tried = {DETECT: DETECT.cost(sample)} if DETECT.wanted(asked) else {}
        crops = costs.scaled(_find(chosen, sample), number)
        tried |= {kind: kind.cost(sample) for kind in OTHERS if kind.wanted(asked)}
    sizes = Figure.sure(number), crops
    made = [kind.planned(asked, cost, *sizes) for kind, cost in tried.items()]
    return Plan(number, len(chosen), crops, os.cpu_count() or 1, asked.workers, made)


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


def _fetch(names: Sequence[str], sample: Sample) -> list[str]:
    """Bring a random sample into its folder, by hard links where the disk can; return its names."""
    asked = sample.asked
    source, chosen, missing = open_store(str(asked.images_dir)), [], 0
    for i in random.Random(asked.seed).sample(range(len(names)), len(names)):
        try:
            source.fetch(names[i], sample.images() / names[i])
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
    here = Folder(sample.images())
    for name in chosen[: len(chosen) // 10]:
        here.fetch(name, sample.images(FEW) / name)
    return chosen


def _find(names: Sequence[str], sample: Sample) -> list[int]:
    """Write what was found in the sample, and in the first of its pictures; return their crops."""
    header, found = _found(names, sample)
    rule = Rule(sample.asked.threshold)
    counts = []
    for image in found:
        boxes = wanted.of_found(image.file, image, header.detection_categories, rule, VERSION)
        counts.append(0 if isinstance(boxes, str) else len(boxes.numbers))
    number = sum(counts)
    if number < LEAST:
        rule_text = f"a plan needs {LEAST} crops; {len(counts)} pictures have {number}"
        raise UserError(f"{rule_text}: say a larger --sample or a lower --threshold")
    sums = enumerate(accumulate(counts), 1)
    few = next(i for i, n in sums if n >= max(LEAST // 2, number // 10))
    if sum(counts[:few]) == number:
        raise UserError(f"{number} crops of so few pictures tell nothing: say a larger --sample")
    for size, part in ((FEW, found[:few]), (ALL, found)):
        with megadetector_json.writing(sample.detections(size), header) as writer:
            for image in part:
                writer.add(image)
    return counts


def _found(names: Sequence[str], sample: Sample) -> tuple[Header, list[Image]]:
    """Return what is known of the sample, in its order."""
    path = sample.asked.detections_json or sample.kept("detect") / FOUND
    chosen = set(names)
    entries = {i.file: i for i in detection_json.images(path) if i.file in chosen}
    if missing := len(names) - len(entries):
        rule = f"{missing} of {len(names)} pictures of the sample are not in it"
        raise UserError(f"{path}: {rule}, by their names in {sample.asked.images_dir}")
    # whose version it is does not matter here, and would have to be one
    header = replace(detection_json.read_header(path), info={})
    return header, [entries[name] for name in names]
