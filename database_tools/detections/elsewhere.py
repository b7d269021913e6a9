"""A detection pass on a cluster: each worker opens the detector once, and computes whole groups.

The groups are those of the pass and come back in listed order, so what is found has the bytes of
one machine.  Nothing is written elsewhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from database_tools import detectors, imaging
from database_tools.core.errors import UserError
from database_tools.detections import passing
from database_tools.detections.passing import Compute, Looked, Source
from database_tools.detectors.detector import Detector
from database_tools.work import executors
from database_tools.work.once import opened_once
from database_tools.work.stream import in_order
from database_tools.work.units import LARGEST


@dataclass(frozen=True)
class Opening:
    """The detector that a worker opens, and the fingerprint that it must have."""

    path: Path
    batch_size: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Job:
    """Groups of pictures on their way."""

    opening: Opening
    source: Source
    groups: tuple[list[str], ...]


@contextlib.contextmanager
def computing(
    scheduler: str | None, path: Path, detector: Detector, source: Source
) -> Iterator[Compute]:
    """Give what computes groups: the detector in this process, or a cluster's workers."""
    if scheduler is None:
        yield lambda groups: passing.computed(detector, source, groups)
        return
    opening = Opening(path.absolute(), detector.batch_size, detector.fingerprint)
    far = replace(source, image_dir=source.image_dir.absolute())
    needed = opening.path, far.image_dir
    with executors.make(1, imaging.own_process, scheduler, needed, "detect") as executor:

        def compute(groups: Iterable[list[str]]) -> Generator[Looked]:
            jobs = ((None, Job(opening, far, some)) for some in _together(groups))
            for _, results in in_order(executor, work, jobs):
                yield from results or ()

        yield compute


def work(job: Job) -> list[Looked]:
    """Do a job, in a worker."""
    return list(passing.computed(_opened(job.opening), job.source, job.groups))


@opened_once
def _opened(opening: Opening) -> Detector:
    detector = detectors.open(opening.path, opening.batch_size)
    if detector.fingerprint != opening.fingerprint:
        raise UserError(f"{opening.path}: a worker of the cluster has another file there")
    return detector


def _together(groups: Iterable[list[str]]) -> Iterator[tuple[list[str], ...]]:
    """Join groups until they have as many pictures as pay the way."""
    some: list[list[str]] = []
    for group in groups:
        some.append(group)
        if sum(map(len, some)) >= LARGEST:
            yield tuple(some)
            some = []
    if some:
        yield tuple(some)
