"""Brings a build its detections: from a file, from a detector, or the rest from a detector."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from database_tools import detectors
from database_tools.core import detection_choice
from database_tools.core.category_guard import CategoryGuard
from database_tools.core.detection_choice import Rule
from database_tools.core.detections import CATEGORY_NAMES
from database_tools.core.errors import UserError
from database_tools.datasets.plan import Plan
from database_tools.datasets.results import Results
from database_tools.detections import detecting, detection_files
from database_tools.detections.detecting import Source
from database_tools.detectors import class_names, precomputed
from database_tools.detectors.detector import Detector
from database_tools.detectors.precomputed import Precomputed
from database_tools.durable import files

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DetectionConfig:
    """Where detections come from and which count.

    Attributes:
        detector: file or folder, or None for none.
        file: detections that are there already, or None.
        source: where pictures are.
        categories: names or ids that count, or ``any``.
        threshold: least confidence that counts.
        several: take all boxes of a picture that has more than one.
    """

    detector: Path | None
    file: Path | None
    source: Source
    categories: Sequence[str]
    threshold: float
    several: bool

    def rule(self, names: Mapping[str, str] | None) -> Rule:
        """Return which boxes count, where categories have these names."""
        ids = detection_choice.resolve(self.categories, names)
        people = detection_choice.people(names, ids)
        return Rule(ids, self.threshold, self.several, people)


@dataclass
class DetectionStep:
    """Detections of a build.

    Attributes:
        results: by picture.
        inputs: what they depend on.
        detector: name of what made them.
        names: category id to name, None where nothing says.
    """

    results: Results
    inputs: dict[str, Any]
    detector: str
    names: Mapping[str, str] | None = field(default=None)

    def write(self, folder: Path) -> None:
        """Write the two final files of detections into a folder."""
        detection_files.write(folder, self.results.everything, self.detector, self.names)


@contextlib.contextmanager
def detect(
    config: DetectionConfig,
    plan: Plan,
    folder: Path,
    watch: Callable[[range], Iterable[int]],
) -> Iterator[DetectionStep]:
    """Detect what no file tells of; the results may be read within the block.

    Args:
        config: where detections come from.
        plan: the pictures.
        folder: for the log.
        watch: shows progress over the pictures that the detector is for.

    Raises:
        UserError: if a file or detector is none, cannot be used, or knows no such category.
    """
    if config.detector is None and config.file is None:
        raise UserError("frozen_graph may be - only with --use_detection_file")
    if config.detector is not None and not config.detector.exists():
        raise UserError(f"{config.detector}: no such detector file or SavedModel folder")
    step = _from_file(config, plan)
    if config.detector is None or not step.results.waiting:
        yield step
        return
    detector = detectors.open(config.detector)
    rule = config.rule(detector.categories)
    detector.check()
    pictures = step.results.pictures()
    with detecting.open_log(folder, pictures, config.source, detector) as results:
        guard = CategoryGuard(rule.categories, rule.threshold, detector.categories or {})
        groups = detecting.run(pictures, config.source, detector, results, guard)
        _advance(groups, watch(range(len(pictures))))
        step.results.use(results, rule)
        step.inputs["detector"] = detector.fingerprint
        if config.file is None:
            step.detector = detector.name
        step.names = _names(step.names, detector)
        yield step


def _from_file(config: DetectionConfig, plan: Plan) -> DetectionStep:
    """Read the detection file, if there is one."""
    if config.file is None:
        return DetectionStep(Results(plan, None, None), {"detections": None, "detector": None}, "")
    names = class_names.beside(config.detector) if config.detector is not None else None
    found = precomputed.read(config.file, config.source.image_dir, names)
    rule = config.rule(found.categories)
    results = Results(plan, found, rule)
    inputs = {"detections": files.sha256(config.file), "detector": None}
    step = DetectionStep(results, inputs, found.name, found.categories)
    guard = CategoryGuard(rule.categories, rule.threshold, found.categories)
    for _, result in results.everything():
        if guard.done:
            break
        guard.see(result)
    _report(config, plan, found, results)
    return step


def _report(config: DetectionConfig, plan: Plan, found: Precomputed, results: Results) -> None:
    wanted = sum(1 for reason in plan.reasons if not reason)
    log.info("%d of %d images are in %s", wanted - len(results.waiting), wanted, config.file)
    if not wanted or len(results.waiting) < wanted:
        return
    message = (
        f"{config.file}: knows no image of the annotations by its {found.by}; "
        f"it has, for example, {found.example()!r}"
    )
    if config.detector is None:
        raise UserError(message)
    log.warning("WARNING: %s", message)


def _names(known: Mapping[str, str] | None, detector: Detector) -> Mapping[str, str] | None:
    """Return the names of both; the file's ids are in the detector's numbering already."""
    if known is None:
        return detector.categories
    return {**(detector.categories or CATEGORY_NAMES), **known}


def _advance(groups: Iterator[int], pictures: Iterable[int]) -> None:
    """Run the pass while showing progress by pictures."""
    left = 0
    for _ in pictures:
        if left == 0:
            left = next(groups)
        left -= 1
    for _ in groups:
        raise AssertionError("more groups than pictures")
