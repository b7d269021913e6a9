"""The detection pass: every listed picture through a detector, into the log, whatever happens.

Pictures are decoded by threads ahead of the detector (Pillow works without Python's lock), and
given to it in fixed groups of the listed order.  A group is committed whole; a second run starts
behind the last group.  A picture that cannot be read is a Failure with its reason, and is tried
again by the next run.
"""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from database_tools import imaging
from database_tools.core.category_guard import CategoryGuard
from database_tools.core.detections import Failure, Found
from database_tools.detections.detection_log import DetectionLog
from database_tools.detectors.detector import Detector, Image

log = logging.getLogger(__name__)

_GROUPS_AHEAD = 1
"""Groups decoded while the detector works; each of 12-megapixel pictures takes 0.3 GB."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of the pass.

    Attributes:
        id: the annotation file's, int or str.
        file_name: the annotation file's, relative to the folder of pictures.
    """

    id: int | str
    file_name: str


@dataclass(frozen=True)
class Source:
    """Where pictures come from.

    Attributes:
        image_dir: folder of the pictures.
        max_pixels: of a picture that is still decoded.
        workers: threads that decode.
    """

    image_dir: Path
    max_pixels: int = imaging.MAX_PIXELS
    workers: int = 2

    def load(self, picture: Picture) -> Image | Failure:
        """Return a picture's pixels, or why there are none."""
        try:
            return imaging.load(self.image_dir / picture.file_name, self.max_pixels)
        except imaging.UnreadableImage as error:
            return Failure(error.reason)


def open_log(
    folder: Path, pictures: Sequence[Picture], source: Source, detector: Detector
) -> DetectionLog:
    """Open the log of this pass in ``folder``: of these pictures in this order, this detector."""
    place = source.image_dir.resolve()
    digest = hashlib.sha256(f"{detector.fingerprint} {source.max_pixels} {place}".encode())
    for picture in pictures:
        digest.update(repr((picture.id, picture.file_name)).encode())
    return DetectionLog(folder, digest.hexdigest(), len(pictures), detector.batch_size)


def run(
    pictures: Sequence[Picture],
    source: Source,
    detector: Detector,
    results: DetectionLog,
    guard: CategoryGuard | None = None,
) -> Iterator[int]:
    """Detect what the log does not have yet.

    Args:
        pictures: the listed order.
        source: where they are.
        detector: open and checked.
        results: the log of this pass.
        guard: sees the first results, those of earlier runs included; what it raises stops the
            pass, with all whole groups in the log.

    Yields:
        The number of pictures of each group of the listed order, when it is in the log: advance
        it to advance the pass.
    """
    with ThreadPoolExecutor(source.workers, "decode") as threads:
        try:
            retried = set(_readable_now(pictures, source, results, threads))
            missing = [g for g in range(results.groups) if g not in results or g in retried]
            ahead = _decoded(missing, pictures, source, results, threads)
            for group in range(results.groups):
                if group not in results or group in retried:
                    results.append(group, _detect(detector, next(ahead)))
                if guard is not None and not guard.done:
                    for found in results.read(group):
                        guard.see(found)
                yield len(results.positions(group))
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _readable_now(
    pictures: Sequence[Picture],
    source: Source,
    results: DetectionLog,
    threads: ThreadPoolExecutor,
) -> Iterator[int]:
    """Yield groups in which a picture that failed in an earlier run can be read now."""
    for group in results.with_failures:
        failed = [
            pictures[position]
            for position, found in zip(results.positions(group), results.read(group), strict=True)
            if isinstance(found, Failure)
        ]
        if not all(isinstance(image, Failure) for image in threads.map(source.load, failed)):
            yield group


def _decoded(
    groups: Iterable[int],
    pictures: Sequence[Picture],
    source: Source,
    results: DetectionLog,
    threads: ThreadPoolExecutor,
) -> Iterator[list[Image | Failure]]:
    """Yield the pictures of each group, while those of the next ones are being decoded."""
    waiting: deque[list[Future[Image | Failure]]] = deque()
    for group in groups:
        members = [pictures[position] for position in results.positions(group)]
        waiting.append([threads.submit(source.load, picture) for picture in members])
        if len(waiting) > _GROUPS_AHEAD:
            yield [future.result() for future in waiting.popleft()]
    while waiting:
        yield [future.result() for future in waiting.popleft()]


def _detect(detector: Detector, images: list[Image | Failure]) -> list[Found]:
    """Detect a group; failures keep their places."""
    found = iter(detector.detect([image for image in images if not isinstance(image, Failure)]))
    return [image if isinstance(image, Failure) else next(found) for image in images]
