"""A batch of pictures through a detector, into a batch output of MegaDetector.

Whatever is found is in the store when it is found, so a run that is killed goes on; the file is
written from the store at the end.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from database_tools import detectors
from database_tools.core import reasons, significant_digits
from database_tools.core.detections import CATEGORY_NAMES, Failure, Found
from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import NEARLY_ALL, Drops, Ledger
from database_tools.detections import detection_files, elsewhere, passing, pictures, store
from database_tools.detections.batch_config import BatchConfig
from database_tools.detections.passing import Pass, Source
from database_tools.detections.pictures import Pictures
from database_tools.detectors.detector import Detector
from database_tools.formats import json_stream, ledger_json, megadetector_json
from database_tools.formats.megadetector_json import OLDEST_VERSION, Box, Header, Image

log = logging.getLogger(__name__)

STAGE = "run_tf_detector_batch"

_CONF_DIGITS, _COORDINATE_DIGITS = 3, 4  # of version 1.0
Watch = Callable[[range], Iterable[int]]


def run(config: BatchConfig, watch: Watch) -> None:
    """Detect and write the file, and its ledger beside it.

    Raises:
        UserError: if there is no picture, no detector, no room, or nearly nothing could be read.
        FormatError: if a list or a checkpoint is none.
    """
    named = pictures.named(config.image_file, recursive=config.recursive)
    done = _checkpoint(config, named)
    rest = [name for name in named.names if name not in done]
    source = Source(named.folder, config.max_pixels, config.threads)
    with _cores(config.ncores):
        detector = detectors.open(config.detector_file, config.batch_size)
        detector.check()
        with store.open(config.store, detector.fingerprint) as kept:
            work = passing.plan(rest, source, kept, _group_size(config, detector))
            log.info("%d of %d pictures are to be detected", work.missing, len(named.names))
            log.info("what is found is kept in %s: a killed run goes on there", kept.path)
            far = config.dask_scheduler if work.missing else None
            with elsewhere.computing(far, config.detector_file, detector, source) as compute:
                passing.finish(work, detector, watch, compute=compute)
            entries = _Entries(config, named, done, work)
            _write(config, entries, detector)
            ledger = _account(named, entries)
    _report(config, ledger)


def _group_size(config: BatchConfig, detector: Detector) -> int:
    """Return how many pictures are saved at a time: a batch, or a user's fewer ones."""
    asked = config.checkpoint_frequency
    return detector.batch_size if asked == -1 else min(asked, detector.batch_size)


@contextlib.contextmanager
def _cores(number: int) -> Iterator[None]:
    """Compute on so many cores within the block, of those that there are; 0 for all."""
    if not number:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        raise UserError("--ncores: this system cannot hold a program to some cores")
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:number])
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _checkpoint(config: BatchConfig, named: Pictures) -> dict[str, Image]:
    """Return what a checkpoint knows of the pictures, by name; failures are tried again.

    It is matched by absolute paths: the original's names are as somebody wrote them there.
    """
    path = config.resume_from_checkpoint
    if path is None:
        return {}
    if "images" not in (keys := {key for key, _, _ in json_stream.stretches(path)}):
        raise FormatError(path, "top level", f'no list "images"; its keys are {sorted(keys)}')
    found: dict[Path, Image] = {}
    for image in megadetector_json.images(path):
        if image.boxes is not None:
            found[(named.folder / image.file).absolute()] = image
            found[Path(image.file).absolute()] = image
    known = {name: found.get((named.folder / name).absolute()) for name in named.names}
    done = {name: image for name, image in known.items() if image is not None}
    log.info("%d of %d pictures are in %s", len(done), len(named.names), path)
    if found and not done:
        example = next(iter(found.values())).file
        log.warning("WARNING: %s: knows none of the pictures; one of its own is %r", path, example)
    return done


@dataclass(frozen=True)
class _Entries:
    """What is known of each picture, in listed order: by a checkpoint, else by a finished pass."""

    config: BatchConfig
    named: Pictures
    done: Mapping[str, Image]
    work: Pass

    @property
    def is_old(self) -> bool:
        """Whether the file is one of version 1.0."""
        return self.config.format_version == OLDEST_VERSION

    def __iter__(self) -> Iterator[Image]:
        found = iter(self.work)
        for name in self.named.names:
            relative = self.config.output_relative_filenames
            shown = name if relative else self.named.as_given(name)
            known = self.done.get(name)
            yield known._replace(file=shown) if known else self._entry(shown, next(found))

    def _entry(self, name: str, result: Found) -> Image:
        if not isinstance(result, Failure):
            # As doubles, as the original compares: a detector's 0.1 is a little more.
            result = result.select(result.scores > self.config.threshold)
        image = detection_files.entry(name, result)
        return _floored(image) if self.is_old else image


def _write(config: BatchConfig, entries: _Entries, detector: Detector) -> None:
    """Write the file; give each category that is in it a name."""
    names = dict(CATEGORY_NAMES if detector.categories is None else detector.categories)
    for image in entries:
        for box in image.boxes or ():
            names.setdefault(box.category, f"class {box.category}")
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    info = {"detection_completion_time": now} if entries.is_old else {"detector": detector.name}
    header = Header(info, names)
    with megadetector_json.writing(config.output_file, header, config.format_version) as writer:
        for image in entries:
            writer.add(image)


def _floored(image: Image) -> Image:
    """Floor the numbers of a picture's boxes, a float32 detector's, as the original does."""
    return image if image.boxes is None else image._replace(boxes=tuple(map(_short, image.boxes)))


def _short(box: Box) -> Box:
    conf = significant_digits.floored(box.conf, _CONF_DIGITS)
    corners = significant_digits.floored(np.array(box.bbox, np.float32), _COORDINATE_DIGITS)
    x, y, width, height = corners.tolist()
    return box._replace(conf=float(conf), bbox=(x, y, width, height))


def _account(named: Pictures, entries: _Entries) -> Ledger:
    """Count what was detected, and why the others were not."""
    drops, kept = Drops(), 0
    for name in named.again:
        drops.add(reasons.LISTED_BEFORE, name)
    for image in entries:
        if image.failure is None:
            kept += 1
        else:
            drops.add(megadetector_json.failure_reason(image.failure), image.file)
    return drops.close(STAGE, len(named.names) + len(named.again), kept)


def _report(config: BatchConfig, ledger: Ledger) -> None:
    """Write the ledger and say what is in it.

    Raises:
        UserError: if nearly no picture could be read, or one could not and the run is strict.
    """
    path = ledger_json.write(config.output_file.parent, ledger)
    log.info("%d of %d pictures are detected in %s", ledger.kept, ledger.total, config.output_file)
    unread = ledger.count(reasons.READING)
    if not unread:
        return
    said = f"{unread:,} of {ledger.total:,} pictures could not be read; see {path}"
    if unread >= NEARLY_ALL * ledger.total:
        raise UserError(said)
    if config.strict:
        raise UserError(f"--strict: {said}")
    log.warning("WARNING: %s", ledger.summary())
