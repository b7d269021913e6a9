"""Brings a build its detections: from a file, from a detector, or the rest from a detector."""

from __future__ import annotations

import contextlib
import logging
import shlex
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
from database_tools.detections import detection_files, elsewhere, passing, store
from database_tools.detections.passing import Source
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
        strip_prefix: folder that its names begin with on the machine that wrote it, or None.
        store: folder that keeps what a detector found, or None for the build's own.
        source: where pictures are.
        categories: names or ids that count, or ``any``.
        threshold: least confidence that counts.
        several: take all boxes of a picture that has more than one.
        scheduler: address of a cluster that detects, or None.
    """

    detector: Path | None
    file: Path | None
    strip_prefix: str | None
    store: Path | None
    source: Source
    categories: Sequence[str]
    threshold: float
    several: bool
    scheduler: str | None

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
        folder: for the store, unless another one is given.
        watch: shows progress over the pictures that the detector is for.

    Raises:
        UserError: if a file or detector is none, cannot be used, or knows no such category.
    """
    if config.detector is None and config.file is None:
        raise UserError("frozen_graph may be - only with --use_detection_file")
    if config.strip_prefix is not None and config.file is None:
        raise UserError("--strip_prefix is for the names in a --use_detection_file")
    if config.detector is not None and not config.detector.exists():
        raise UserError(f"{config.detector}: no such detector file or SavedModel folder")
    step = _from_file(config, plan)
    if config.detector is None or not step.results.waiting:
        yield step
        return
    detector = detectors.open(config.detector)
    rule = config.rule(detector.categories)
    detector.check()
    with store.open(config.store or folder, detector.fingerprint) as kept:
        names = step.results.names()
        work = passing.plan(names, config.source, kept, detector.batch_size)
        log.info("%d of %d images are to be detected", work.missing, len(names))
        guard = CategoryGuard(rule.categories, rule.threshold, detector.categories or {})
        far = config.scheduler if work.missing else None
        with elsewhere.computing(far, config.detector, detector, config.source) as compute:
            passing.finish(work, detector, watch, guard, compute)
        step.results.use(work, rule)
        step.inputs["detector"] = detector.fingerprint
        if config.file is None:
            step.detector = detector.name
        step.names = _names(step.names, detector)
        yield step


def _from_file(config: DetectionConfig, plan: Plan) -> DetectionStep:
    """Read the detection file, if there is one."""
    if config.file is None:
        return DetectionStep(Results(plan, None, None), {"detections": None, "detector": None}, "")
    names = class_names.of(config.detector) if config.detector is not None else None
    found = precomputed.read(config.file, config.source.image_dir, names, config.strip_prefix)
    rule = config.rule(found.categories)
    results = Results(plan, found, rule)
    inputs = {"detections": files.sha256(config.file), "detector": None}
    inputs |= {"strip_prefix": config.strip_prefix}
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
    other = found.other_case(results.names()) if results.waiting else None
    if wanted and len(results.waiting) < wanted and other is not None:
        log.warning("WARNING: %s: has %r, but not %r: case matters", config.file, *reversed(other))
    if not wanted or len(results.waiting) < wanted:
        return
    message = (
        f"{config.file}: knows no image of the annotations by its {found.by}; "
        f"it has, for example, {found.example()!r}"
    )
    if (prefix := found.prefix(results.names())) is not None:
        message += f". Use --strip_prefix {shlex.quote(prefix)}?"
    elif other is not None:
        message += f", and {other[1]!r} where the annotations have {other[0]!r}: case matters"
    if config.detector is None:
        raise UserError(message)
    log.warning("WARNING: %s", message)


def _names(known: Mapping[str, str] | None, detector: Detector) -> Mapping[str, str] | None:
    """Return the names of both; the file's ids are in the detector's numbering already."""
    if known is None:
        return detector.categories
    return {**(detector.categories or CATEGORY_NAMES), **known}
