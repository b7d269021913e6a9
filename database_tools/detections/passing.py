"""A detection pass: every listed picture through a detector, into its store, whatever happens.

What the store knows already is left out.  The rest is cut into groups in listed order, which are
written down first: the last bits of a network's result depend on what it is computed with, so a
killed pass has to compute the same groups again.  A group is committed whole.  A store that grew
has other groups than a fresh one, and may differ from it in the last bits (1e-5 at most).

One process detects, and threads decode ahead of it (Pillow works without Python's lock); or
many do, see ``elsewhere``.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
import struct
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from database_tools import imaging
from database_tools.core import reasons
from database_tools.core.category_guard import CategoryGuard
from database_tools.core.detections import Failure, Found
from database_tools.core.errors import UserError
from database_tools.detections import store
from database_tools.detections.store import UNKNOWN, DetectionStore, File, Rows, Seen
from database_tools.detectors.detector import Detector, Image
from database_tools.durable import spelling

NO_FILE = File()

_HALVES = struct.Struct("<QQ")

_GROUPS_AHEAD = 1
"""Groups decoded while the detector works; each of 12-megapixel pictures takes 0.3 GB."""

_AT_ONCE = 256  # pictures that are compared with the store before any of them is written down anew
_TRIED = 100  # pictures without one number after which a detector is not asked for more
Looked = tuple[list[File], list[Found]]
"""Of a group: its files before they were decoded, and what was found in each."""

Compute = Callable[[Iterable[list[str]]], Generator[Looked]]
"""From the names of groups to what they hold, in the same order."""


@dataclass(frozen=True)
class Source:
    """Where pictures come from: a folder, the largest, and the threads that decode."""

    image_dir: Path
    max_pixels: int = imaging.MAX_PIXELS
    workers: int = 2

    def load(self, name: str) -> Image | Failure:
        """Return a picture's pixels, or why there are none."""
        try:
            return imaging.load(self.image_dir / name, self.max_pixels)
        except imaging.UnreadableImage as error:
            return Failure(error.reason)

    def file(self, name: str) -> File:
        """Return what a picture's file is known by, but its content."""
        try:
            found = spelling.locate(self.image_dir / name).stat()
        except (OSError, ValueError):
            return NO_FILE
        return File(found.st_size, found.st_mtime_ns) if stat.S_ISREG(found.st_mode) else NO_FILE

    def content(self, name: str) -> tuple[int, int]:
        """Return both halves of a digest of a picture's bytes; zeros if they cannot be read."""
        try:
            with spelling.locate(self.image_dir / name).open("rb") as file:
                return _HALVES.unpack_from(hashlib.file_digest(file, "sha256").digest())
        except (OSError, ValueError):
            return NO_FILE.content


def look_at(source: Source, name: str) -> tuple[File, Image | Failure]:
    """Return a picture's file as it was before it was decoded, and its pixels."""
    file = source.file(name)
    if file.size >= 0:
        file = File(file.size, file.time, source.content(name))
    return file, source.load(name)


class Pass:
    """What a detector has found in listed pictures, and what it has not looked at; see ``plan``."""

    def __init__(self, names: Sequence[str], source: Source, kept: DetectionStore) -> None:
        self.names, self.source, self.kept = names, source, kept
        self._keys = store.keys_of(names)
        self._rows = kept.rows(self._keys)
        self._members, self._ends = np.zeros(0, np.int64), np.zeros(0, np.int64)
        self._numbers = self._ends
        self._failed: dict[int, int] = {}  # rows of those that the detector failed at before

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, picture: int) -> Found:
        """Return what was found in a picture; it must be in the store."""
        return self.kept.seen(int(self._rows[picture])).found

    def __iter__(self) -> Iterator[Found]:
        """Yield the results of all pictures in listed order; all must be in the store."""
        return map(self.__getitem__, range(len(self)))

    def __contains__(self, picture: int) -> bool:
        """Say whether the store knows a picture by now."""
        return bool(self._rows[picture] != UNKNOWN)

    @property
    def missing(self) -> int:
        """Number of pictures to look at, as planned."""
        return len(self._members)

    @property
    def groups(self) -> range:
        """What is to be computed, as planned, in listed order."""
        return range(len(self._ends))

    def members(self, group: int) -> list[int]:
        """Return the pictures of a group by their places in the list."""
        start = self._ends[group - 1] if group else 0
        members: list[int] = self._members[start : self._ends[group]].tolist()
        return members

    def commit(self, group: int, files: Sequence[File], found: Sequence[Found]) -> None:
        """Write down a group's files and results, in any order; they survive a power cut then."""
        members = self.members(group)
        if all(self._is_as_before(*pair) for pair in zip(members, found, strict=True)):
            self._rows[members] = [self._failed[picture] for picture in members]
            return
        number = int(self._numbers[group])
        self._rows[members] = self.kept.append(self._keys[members], files, found, number)

    def _is_as_before(self, picture: int, found: Found) -> bool:
        """Say whether the detector failed at a picture again: the store grows by no such one."""
        row = self._failed.get(picture)
        return row is not None and self.kept.seen(row).found == found

    def _settle(self, known: Sequence[int], threads: ThreadPoolExecutor) -> None:
        """Forget known pictures that have changed; note those whose file is a copy."""
        copied, failed = [], []
        files = threads.map(self.source.file, [self.names[picture] for picture in known])
        for picture, now in zip(known, files, strict=True):
            then = self.kept.file(row := int(self._rows[picture]))
            if self.kept.is_failure(row):
                failed.append((picture, now))
            elif now not in (NO_FILE, then):
                if now.size == then.size:
                    copied.append((picture, now))
                else:
                    self._rows[picture] = UNKNOWN
        again = [*self._copies(copied, threads), *self._failures(failed, threads)]
        if again:
            pictures = [picture for picture, _ in again]
            parts = [seen.file for _, seen in again], [seen.found for _, seen in again]
            self._rows[pictures] = self.kept.append(self._keys[pictures], *parts)

    def _copies(
        self, pictures: Sequence[tuple[int, File]], threads: ThreadPoolExecutor
    ) -> Iterator[tuple[int, Seen]]:
        """Yield what is to be written down of pictures whose files have another time only."""
        contents = threads.map(self.source.content, [self.names[p] for p, _ in pictures])
        for (picture, now), content in zip(pictures, contents, strict=True):
            seen = self.kept.seen(int(self._rows[picture]))
            if content == seen.file.content != NO_FILE.content:
                yield picture, replace(seen, file=replace(now, content=content))
            else:
                self._rows[picture] = UNKNOWN

    def _failures(
        self, pictures: Sequence[tuple[int, File]], threads: ThreadPoolExecutor
    ) -> Iterator[tuple[int, Seen]]:
        """Try pictures again that could not be read; yield those that fail otherwise now."""
        why = threads.map(lambda p: _why_not(self.source, self.names[p[0]]), pictures)
        for (picture, now), reason in zip(pictures, why, strict=True):
            seen = self.kept.seen(int(self._rows[picture]))
            if reason is None:
                self._failed[picture] = int(self._rows[picture])
                self._rows[picture] = UNKNOWN
            elif Failure(reason) != seen.found:
                yield picture, Seen(now, Failure(reason))

    def _form_groups(self, size: int) -> None:
        """Keep the planned groups that are missing whole, cut the rest anew, write all down."""
        missing = self._rows == UNKNOWN
        numbers, lengths, keys = self.kept.planned
        starts = lengths.cumsum() - lengths
        order = np.argsort(self._keys[:, 0], kind="stable")
        places = store.find(keys, self._keys, order)
        there = places != UNKNOWN
        there[there] = missing[places[there]]
        whole = np.logical_and.reduceat(there, starts) if len(starts) else there
        members = places[whole.repeat(lengths)]
        missing[members] = False
        rest = np.flatnonzero(missing)
        self._members, self._ends = members, lengths[whole].cumsum()
        self._numbers = numbers[whole]
        if len(rest) or not whole.all():
            fresh = np.diff(np.append(np.arange(0, len(rest), size), len(rest)))
            self._arrange(np.append(members, rest), np.append(lengths[whole], fresh))

    def _arrange(self, members: Rows, lengths: Rows) -> None:
        """Bring groups into listed order, by their first pictures, and write them down."""
        starts = lengths.cumsum() - lengths
        order = np.argsort(members[starts], kind="stable")
        lengths = lengths[order]
        self._members = members[starts[order].repeat(lengths) + _restarting(lengths)]
        self._ends, self._numbers = lengths.cumsum(), np.arange(len(lengths))
        if len(lengths):
            self.kept.plan(lengths, self._keys[self._members])


def _restarting(lengths: Rows) -> Rows:
    """Return 0, 1, ... for each length one after another: 2 and 3 give 0 1 0 1 2."""
    return np.arange(lengths.sum()) - (lengths.cumsum() - lengths).repeat(lengths)


def plan(names: Sequence[str], source: Source, kept: DetectionStore, group_size: int) -> Pass:
    """Find out what a store does not know of listed pictures, and write down the groups of it.

    A picture whose file is gone is known as it was, as a drive may be away.  One that could not
    be read, or that the detector failed at, is tried again.

    Raises:
        UserError: if the store cannot be written.
    """
    work = Pass(names, source, kept)
    known = np.flatnonzero(work._rows != UNKNOWN)
    with ThreadPoolExecutor(source.workers, "compare") as threads:
        for start in range(0, len(known), _AT_ONCE):
            work._settle(known[start : start + _AT_ONCE].tolist(), threads)
    work._form_groups(group_size)
    return work


def run(
    work: Pass,
    detector: Detector,
    guard: CategoryGuard | None = None,
    compute: Compute | None = None,
) -> Iterator[int]:
    """Detect what a pass misses, by ``compute``, else here.

    ``guard`` sees the first results in listed order, those that were known included; what it raises
    stops the pass, with all whole groups in the store.

    Yields:
        The number of pictures of each group, when it is in the store: advance it to advance the
        pass.

    Raises:
        UserError: if the detector has no number for any picture.
    """
    shown, tried = _show(work, guard, 0), 0
    groups = ([work.names[picture] for picture in work.members(group)] for group in work.groups)
    results = compute(groups) if compute else computed(detector, work.source, groups)
    with contextlib.closing(results):
        for group, (files, found) in zip(work.groups, results, strict=True):
            work.commit(group, files, found)
            shown, tried = _show(work, guard, shown), tried + len(files)
            if tried >= _TRIED or group == work.groups[-1]:
                _check_numbers(work, detector)
            yield len(files)


def finish(
    work: Pass,
    detector: Detector,
    watch: Callable[[range], Iterable[int]],
    guard: CategoryGuard | None = None,
    compute: Compute | None = None,
) -> None:
    """Detect all that a pass misses, as ``run`` does, while ``watch`` shows the pictures."""
    groups, left = run(work, detector, guard, compute), 0
    for _ in watch(range(work.missing)):
        if left == 0:
            left = next(groups)
        left -= 1
    for _ in groups:
        raise AssertionError("more groups than pictures")


def computed(
    detector: Detector, source: Source, groups: Iterable[Sequence[str]]
) -> Generator[Looked]:
    """Look at groups of pictures and detect each together: all the work of a pass."""
    with ThreadPoolExecutor(source.workers, "decode") as threads:
        try:
            for looked in _decoded(source, groups, threads):
                yield _detected(detector, looked)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _show(work: Pass, guard: CategoryGuard | None, start: int) -> int:
    """Show a guard what is known from ``start`` on; return where that ends."""
    while guard is not None and not guard.done and start < len(work) and start in work:
        guard.see(work[start])
        start += 1
    return start


def _check_numbers(work: Pass, detector: Detector) -> None:
    """Raise UserError if all that a detector ever gave are numbers that are not finite."""
    if work.kept.has_detections:
        return
    known = [picture for picture in range(len(work)) if picture in work]
    broken = sum(work[picture] == Failure(reasons.NOT_FINITE) for picture in known)
    if broken:
        raise UserError(
            f"{detector.name}: gives NaN or infinity for every picture, {broken} so far: its "
            "weights are broken, or it expects pictures of another kind"
        )


def _why_not(source: Source, name: str) -> str | None:
    """Return why a picture cannot be read, None if it can."""
    image = source.load(name)
    return image.reason if isinstance(image, Failure) else None


def _decoded(
    source: Source, groups: Iterable[Sequence[str]], threads: ThreadPoolExecutor
) -> Iterator[list[tuple[File, Image | Failure]]]:
    """Yield the pictures of each group, while those of the next ones are being decoded."""
    waiting: deque[list[Future[tuple[File, Image | Failure]]]] = deque()
    for names in groups:
        waiting.append([threads.submit(look_at, source, name) for name in names])
        if len(waiting) > _GROUPS_AHEAD:
            yield [future.result() for future in waiting.popleft()]
    while waiting:
        yield [future.result() for future in waiting.popleft()]


def _detected(detector: Detector, looked: Sequence[tuple[File, Image | Failure]]) -> Looked:
    """Detect a group; failures keep their places."""
    images = [image for _, image in looked]
    found = iter(detector.detect([image for image in images if not isinstance(image, Failure)]))
    results = [image if isinstance(image, Failure) else next(found) for image in images]
    return [file for file, _ in looked], results
