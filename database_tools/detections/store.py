r"""What one detector found in pictures, kept on disk for every pass that asks again.

    with store.open(folder, detector.fingerprint) as kept:
        work = passing.plan(names, source, kept, detector.batch_size)
        for number in passing.run(work, detector):
            ...
        work[0]  # what was found in names[0]

A picture is known by its name below the folder of pictures, the size of its file and the time of
its last change; where only the time differs, as in a copy, a digest of its content decides.  So
a list that grew or shrank, another folder and other flags ask the detector for what is new alone.

Each detector has a ``record_log`` of its own, ``detections_<fingerprint>.log``, of two kinds of
records:

    "P" | uint32 number of groups | uint32 pictures of each | keys
    "R" | int32 group of the last plan, -1 for none | uint32 pictures | uint32 length of a head
        | an entry for each picture | head | float32 corners (N, 4) and scores (N,) of all boxes
    entry: key, size, time in ns, digest of the content, number of boxes or -1 for a failure
    head: JSON, {"categories": one for each box, "failures": a reason for each failure}

A plan says what a pass is going to compute together, before it begins; results say what was
found.  What a picture's last record says counts.  Keys are digests of names, 16 bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core import boxes as box_rows
from database_tools.core import names
from database_tools.core.detections import Detections, Failure, Found
from database_tools.detections import record_log
from database_tools.detections.record_log import RecordLog
from database_tools.durable import files, locks

log = logging.getLogger(__name__)

Keys = npt.NDArray[np.uint64]
"""(N, 2): digests of names."""

Rows = npt.NDArray[np.int64]

UNKNOWN = -1
"""Row of a picture that the store does not know."""

NO_GROUP = -1
_FAILED = -1
_PLAN, _RESULTS = b"P", b"R"
_KIND = 1
_PLAN_HEAD = _KIND + 4
_RESULT = struct.Struct("<iII")
_ENTRY = np.dtype([("key", "<u8", 2), ("file", "<i8", 2), ("content", "<u8", 2), ("boxes", "<i4")])
_CACHED = 8  # records held decoded: neighbours of a list may lie in several


@dataclass(frozen=True, slots=True)
class File:
    """What a picture's file is known by: bytes (-1: there is none), time of its last change in ns.

    ``content`` is both halves of a digest of its bytes; zeros where they were not read.
    """

    size: int = -1
    time: int = 0
    content: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture's file before it was decoded, and what was found in it."""

    file: File
    found: Found


class DetectionStore:
    """An open store; make it with ``open``.  It takes 50 bytes of memory a picture."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        header = json.dumps({"detector": fingerprint}).encode()
        number = hashlib.sha256(header).hexdigest()[:12]
        self._log = RecordLog(folder / f"detections_{number}.log", header)
        self._keys, self._files = array("Q"), array("q")
        self._places, self._slots = array("q"), array("i")
        self._failed = bytearray()
        self._plan_at: int | None = None
        self._done = bytearray()
        self._decoded: dict[int, list[Seen]] = {}
        for place, payload in self._log.records():
            self._note(place, payload)

    @property
    def path(self) -> Path:
        """Where its log lies."""
        return self._log.path

    def __len__(self) -> int:
        return len(self._slots)

    def close(self) -> None:
        """Close the file; what was appended is safe already."""
        self._log.close()

    def rows(self, keys: Keys) -> Rows:
        """Return where the store knows pictures, their last record each; -1 for unknown ones."""
        known = np.array(self._keys, np.uint64).reshape(-1, 2)
        order = np.argsort(known[:, 0], kind="stable")
        return find(keys, known, order)

    @property
    def has_detections(self) -> bool:
        """Whether the detector could look at any picture."""
        return False in self._failed

    def is_failure(self, row: int) -> bool:
        """Say whether the picture of a row could not be looked at."""
        return bool(self._failed[row])

    def file(self, row: int) -> File:
        """Return size and time of the file that a row's picture had; its content is not read."""
        return File(self._files[2 * row], self._files[2 * row + 1])

    def seen(self, row: int) -> Seen:
        """Return all that is known of a row's picture."""
        return self._read(self._places[row])[self._slots[row]]

    @property
    def planned(self) -> tuple[Rows, Rows, Keys]:
        """Groups of the last plan that have no results yet: numbers, lengths and all their keys."""
        if self._plan_at is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.uint64)
        payload = self._log.read(self._plan_at)
        lengths = np.frombuffer(payload, "<u4", len(self._done), _PLAN_HEAD)
        keys = np.frombuffer(payload, "<u8", -1, _PLAN_HEAD + lengths.nbytes).reshape(-1, 2)
        left = np.frombuffer(self._done, np.uint8) == 0
        return np.flatnonzero(left), lengths[left].astype(np.int64), keys[left.repeat(lengths)]

    def plan(self, lengths: Rows, keys: Keys) -> None:
        """Write down the groups that a pass is going to compute; it replaces the last plan."""
        head = _PLAN + struct.pack("<I", len(lengths)) + lengths.astype("<u4").tobytes()
        self._append(b"".join((head, keys.astype("<u8", copy=False).data)))

    def append(
        self, keys: Keys, files: Sequence[File], found: Sequence[Found], group: int = NO_GROUP
    ) -> range:
        """Commit what was found in pictures, perhaps a group of the last plan; return their rows.

        When this returns, it survives a kill and a power cut.

        Raises:
            UserError: if the disk is full.
        """
        first = len(self)
        self._append(_encode(keys, files, found, group))
        return range(first, len(self))

    def _append(self, payload: bytes) -> None:
        self._note(self._log.append(payload), payload)

    def _note(self, place: int, payload: bytes) -> None:
        if payload.startswith(_PLAN):
            (number,) = struct.unpack_from("<I", payload, _KIND)
            self._plan_at, self._done = place, bytearray(number)
            return
        group, entries, _ = _parts(payload)
        self._keys.frombytes(entries["key"].astype(np.uint64).tobytes())
        self._files.frombytes(entries["file"].astype(np.int64).tobytes())
        self._places.extend([place] * len(entries))
        self._slots.extend(range(len(entries)))
        self._failed.extend((entries["boxes"] == _FAILED).tobytes())
        if group != NO_GROUP:
            self._done[group] = True

    def _read(self, place: int) -> list[Seen]:
        if place not in self._decoded:
            if len(self._decoded) >= _CACHED:
                del self._decoded[next(iter(self._decoded))]
            self._decoded[place] = _decode(self._log.read(place))
        return self._decoded[place]


@contextlib.contextmanager
def open(folder: Path, fingerprint: str) -> Iterator[DetectionStore]:
    """Open what the detector of a fingerprint found before, or begin.

    Raises:
        UserError: if it cannot be written, or another process is writing there.
    """
    files.make_folder(folder)
    with locks.locked(folder / "detections.lock"):
        for path in record_log.of_other_versions(folder):
            message = "WARNING: %s: is of another version, so it is not read; nothing needs it now"
            log.warning(message, path)
        store = DetectionStore(folder, fingerprint)
        with contextlib.closing(store):
            yield store


def keys_of(pictures: Sequence[str]) -> Keys:
    """Return the keys of a list's names: of their NFC, so that lists of two systems agree.

    Where one list has two spellings of it, as Linux keeps both, the odd one stays as it is.
    """
    odd: dict[str, str] = {}
    for name in pictures:
        if (common := names.key(name)) is not name:
            odd.setdefault(common, name)
    twins = {name for name in pictures if name in odd} if odd else set()

    def text(name: str) -> str:
        common = names.key(name)
        return name if common in twins or odd.get(common, name) != name else common

    digests = bytearray()  # as a list of a million they would take four times the memory
    for name in pictures:
        digests += hashlib.blake2b(names.encode(text(name)), digest_size=16).digest()
    return np.frombuffer(digests, "<u8").reshape(-1, 2)


def find(keys: Keys, among: Keys, order: Rows) -> Rows:
    """Return the last row of ``among`` (M, 2) that each key (N, 2) has, -1 for none.

    ``order`` is stable, of the first column.
    """
    if not len(among):
        return np.full(len(keys), UNKNOWN, np.int64)
    place = np.searchsorted(among[:, 0], keys[:, 0], side="right", sorter=order) - 1
    # Two keys that share their first half, one pair in 10^19, hide the earlier one: a miss.
    rows = order[place.clip(0)]
    return np.where((among[rows] == keys).all(axis=1), rows, UNKNOWN)


def _encode(keys: Keys, files: Sequence[File], found: Sequence[Found], group: int) -> bytes:
    results = [one for one in found if isinstance(one, Detections)]
    entries = np.zeros(len(keys), _ENTRY)
    entries["key"] = keys
    entries["file"] = [(file.size, file.time) for file in files]
    entries["content"] = [file.content for file in files]
    entries["boxes"] = [_FAILED if isinstance(one, Failure) else len(one) for one in found]
    table = {
        "categories": [category for result in results for category in result.categories],
        "failures": [one.reason for one in found if isinstance(one, Failure)],
    }
    head = json.dumps(table, separators=(",", ":")).encode()
    boxes = np.concatenate([np.zeros((0, 4)), *(result.boxes for result in results)])
    scores = np.concatenate([np.zeros(0), *(result.scores for result in results)])
    parts = (
        _RESULTS + _RESULT.pack(group, len(keys), len(head)),
        entries.tobytes(),
        head,
        box_rows.to_corners(boxes).astype("<f4").tobytes(),
        scores.astype("<f4").tobytes(),
    )
    return b"".join(parts)


def _parts(payload: bytes) -> tuple[int, npt.NDArray[Any], int]:
    """Return a record's group, its entries and where its head begins."""
    group, number, _ = _RESULT.unpack_from(payload, _KIND)
    start = _KIND + _RESULT.size
    entries = np.frombuffer(payload, _ENTRY, number, start)
    return group, entries, start + entries.nbytes


def _decode(payload: bytes) -> list[Seen]:
    _, entries, start = _parts(payload)
    end = start + _RESULT.unpack_from(payload, _KIND)[2]
    table = json.loads(payload[start:end])
    categories, failures = table["categories"], iter(table["failures"])
    numbers = np.frombuffer(payload, "<f4", offset=end)
    corners, scores = np.split(numbers, [4 * len(categories)])
    results: list[Seen] = []
    first = 0
    # As lists: an entry's numbers one by one take ten times as long.
    columns = (entries[name].tolist() for name in ("file", "content", "boxes"))
    for (size, time), content, number in zip(*columns, strict=True):
        found: Found
        if number == _FAILED:
            found = Failure(next(failures))
        else:
            last = first + number
            box = corners[4 * first : 4 * last]
            found = Detections.of_corners(box, scores[first:last], categories[first:last])
            first = last
        results.append(Seen(File(size, time, tuple(content)), found))
    return results
