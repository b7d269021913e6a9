"""Brings a build its detections: from a file, from a detector, or the rest from a detector."""

from __future__ import annotations

import contextlib
import logging
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from database_tools import detectors
from database_tools.core import detection_choice
from database_tools.core.category_guard import CategoryGuard
from database_tools.core.detection_choice import Rule
from database_tools.core.detections import CATEGORY_NAMES
from database_tools.core.errors import UserError
from database_tools.datasets.build_config import ALL, BuildConfig
from database_tools.datasets.plan import Plan
from database_tools.datasets.results import Results
from database_tools.detections import detection_files, elsewhere, passing, store
from database_tools.detections.passing import Source
from database_tools.detectors import class_names, precomputed
from database_tools.detectors.detector import Detector
from database_tools.detectors.precomputed import Precomputed
from database_tools.durable import files
from database_tools.durable.folders import STATE

log = logging.getLogger(__name__)


@dataclass
class DetectionStep:
    """Detections of a build: what they depend on, what made them, its categories if known."""

    results: Results
    inputs: dict[str, Any]
    detector: str
    names: Mapping[str, str] | None = field(default=None)

    def write(self, folder: Path) -> None:
        """Write the two final files of detections into a folder."""
        detection_files.write(folder, self.results.everything, self.detector, self.names)


@contextlib.contextmanager
def detect(
    config: BuildConfig, plan: Plan, folder: Path, watch: Callable[[range], Iterable[int]]
) -> Iterator[DetectionStep]:
    """Detect what no file tells of, kept in ``folder`` or where the command says, within the block.

    Raises:
        UserError: if a file or detector is none, cannot be used, or knows no such category.
    """
    kept_in = _store(config) or folder
    if config.detector is None and config.use_detection_file is None:
        raise UserError("frozen_graph may be - only with --use_detection_file")
    if config.strip_prefix is not None and config.use_detection_file is None:
        raise UserError("--strip_prefix is for the names in a --use_detection_file")
    if config.detector is not None and not config.detector.exists():
        raise UserError(f"{config.detector}: no such detector file or SavedModel folder")
    step = _from_file(config, plan)
    if config.detector is None or not step.results.waiting:
        yield step
        return
    detector = detectors.open(config.detector)
    rule = _rule(config, detector.categories)
    detector.check()
    source = Source(config.image_dir, config.max_pixels, config.workers)
    with store.open(kept_in, detector.fingerprint) as kept:
        names = step.results.names()
        work = passing.plan(names, source, kept, detector.batch_size)
        log.info("%d of %d images are to be detected", work.missing, len(names))
        guard = CategoryGuard(rule.categories, rule.threshold, detector.categories or {})
        far = config.dask_scheduler if work.missing else None
        with elsewhere.computing(far, config.detector, detector, source) as compute:
            passing.finish(work, detector, watch, guard, compute)
        step.results.use(work, rule)
        step.inputs["detector"] = detector.fingerprint
        if config.use_detection_file is None:
            step.detector = detector.name
        step.names = _names(step.names, detector)
        yield step


def _rule(config: BuildConfig, names: Mapping[str, str] | None) -> Rule:
    """Return which boxes count, where categories have these names."""
    ids = detection_choice.resolve(config.detection_category, names)
    people = detection_choice.people(names, ids)
    return Rule(ids, config.detection_threshold, config.multiple_detections == ALL, people)


def _store(config: BuildConfig) -> Path | None:
    """Return where detections are kept, if the command says so.

    Raises:
        UserError: for a folder in an output, whose other files the next run takes for strangers'.
    """
    store = config.detection_store
    for output in (config.coco_style_output, config.tfrecords_output):
        if store is not None and output is not None:
            inside = [*store.resolve().parents, store.resolve()]
            if output.resolve() in inside and (output / STATE).resolve() not in inside:
                raise UserError(
                    f"--detection_store {store}: is in {output}, which is for the crops"
                )
    return store


def _from_file(config: BuildConfig, plan: Plan) -> DetectionStep:
    """Read the detection file, if there is one."""
    if (file := config.use_detection_file) is None:
        return DetectionStep(Results(plan, None, None), {"detections": None, "detector": None}, "")
    names = class_names.of(config.detector) if config.detector is not None else None
    found = precomputed.read(file, config.image_dir, names, config.strip_prefix)
    rule = _rule(config, found.categories)
    results = Results(plan, found, rule)
    inputs = {"detections": files.sha256(file), "detector": None}
    inputs |= {"strip_prefix": config.strip_prefix}
    step = DetectionStep(results, inputs, found.name, found.categories)
    guard = CategoryGuard(rule.categories, rule.threshold, found.categories)
    for _, result in results.everything():
        if guard.done:
            break
        guard.see(result)
    _report(config, plan, found, results)
    return step


def _report(config: BuildConfig, plan: Plan, found: Precomputed, results: Results) -> None:
    file = config.use_detection_file
    wanted = sum(1 for reason in plan.reasons if not reason)
    known = wanted - len(results.waiting)
    log.info("%d of %d images are in %s", known, wanted, file)
    other = found.other_case(results.names()) if results.waiting else None
    if known and other is not None:
        log.warning("WARNING: %s: has %r, but not %r: case matters", file, *reversed(other))
    if known or not wanted:
        return
    message = (
        f"{file}: knows no image of the annotations by its {found.by}; "
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
