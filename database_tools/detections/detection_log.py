r"""The log of a detection pass: append-only, so that a kill loses one group of pictures at most.

Magic, then records.  A record is a group of pictures, whole: fixed positions of the listed
order, as the last bits of a network's result depend on what it is computed with.

    "detlog1\n" | record | record | ...
    record: uint32 length of the payload, uint32 crc32 of the payload, payload
    payload of record 0: JSON {"pass": fingerprint, "pictures": n, "group_size": g}
    payload of others: uint32 number of the group, uint32 number of its failures, uint32 length
        of a head, the head in JSON, float32 corners (N, 4) and scores (N,) of all its boxes
    head: {"counts": boxes of each picture, -1 for a failure, "categories": one for each box,
           "failures": one reason for each failure}

A record that is cut short or does not match its checksum ends the log; opening cuts it off.  A
group that is written again, as its files could not be read the first time, counts as last
written.  Each pass has a log of its own, named by its fingerprint, so that nothing is lost when
somebody tries another detector in between.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np

from database_tools.core.detections import Detections, Failure, Found
from database_tools.core.errors import UserError

log = logging.getLogger(__name__)

_MAGIC = b"detlog1\n"
_FRAME = struct.Struct("<II")
_GROUP = struct.Struct("<III")
_FAILED = -1
_ABSENT = -1


class DetectionLog:
    """Results of a pass on disk, by position in the listed order; close it after use.

    It takes 8 bytes of memory for each group, and some more for one with failures.

    Attributes:
        path: of the log, ``detections_<fingerprint>.log``.
        pictures: number of pictures of the pass.
        group_size: pictures in each group but the last.
    """

    def __init__(self, folder: Path, fingerprint: str, pictures: int, group_size: int) -> None:
        """Open the log of a pass to go on with it, or begin one.

        Args:
            folder: where logs lie; made if need be.
            fingerprint: of what results depend on: detector, parameters, listed pictures.
            pictures: how many the pass has.
            group_size: how many are detected and committed together.

        Raises:
            UserError: if the log cannot be written, or another process is writing it.
        """
        table = {"pass": fingerprint, "pictures": pictures, "group_size": group_size}
        self._header = json.dumps(table, sort_keys=True).encode()
        name = f"detections_{hashlib.sha256(self._header).hexdigest()[:12]}.log"
        self.path, self.pictures, self.group_size = folder / name, pictures, group_size
        self._offsets = array("q", [_ABSENT]) * self.groups
        self._failures: dict[int, int] = {}
        self._cached: tuple[int, list[Found]] = (_ABSENT, [])
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._stream = self._open()
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror}") from error

    def __enter__(self) -> DetectionLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; groups that were appended are safe already."""
        self._stream.close()

    @property
    def groups(self) -> int:
        """Number of groups of the pass."""
        return -(-self.pictures // self.group_size)

    @property
    def finished(self) -> int:
        """Number of groups that the log has."""
        return self.groups - self._offsets.count(_ABSENT)

    @property
    def with_failures(self) -> list[int]:
        """Groups that the log has and in which a picture failed, in ascending order."""
        return sorted(self._failures)

    def positions(self, group: int) -> range:
        """Return the positions of a group's pictures in the listed order."""
        start = group * self.group_size
        return range(start, min(start + self.group_size, self.pictures))

    def __contains__(self, group: int) -> bool:
        return self._offsets[group] != _ABSENT

    def append(self, group: int, results: Sequence[Found]) -> None:
        """Commit a group; when this returns, it survives a kill and a power cut.

        Args:
            group: its number.
            results: one for each of ``positions(group)``.

        Raises:
            UserError: if the disk is full.
        """
        if len(results) != len(self.positions(group)):
            raise ValueError(f"{len(results)} results for group {group}, {self.positions(group)}")
        payload = _encode(group, results)
        offset = self._stream.seek(0, os.SEEK_END)
        try:
            _write_record(self._stream, payload)
        except OSError as error:
            # What was written of it is a torn record, which the next run cuts off.
            raise UserError(f"cannot write {self.path}: {error.strerror}") from error
        self._note(offset, payload)
        if self._cached[0] == group:
            self._cached = (_ABSENT, [])

    def read(self, group: int) -> list[Found]:
        """Return the results of a group that the log has, in listed order."""
        if self._cached[0] != group:
            self._stream.seek(self._offsets[group])
            payload = _read_record(self._stream)
            if payload is None:
                raise UserError(f"{self.path}: group {group} cannot be read any more")
            self._cached = (group, _decode(payload))
        return self._cached[1]

    def __getitem__(self, position: int) -> Found:
        """Return the result of one picture; its group must be in the log."""
        group, i = divmod(position, self.group_size)
        return self.read(group)[i]

    def __iter__(self) -> Iterator[Found]:
        """Yield the results of all pictures in listed order; every group must be in the log."""
        for group in range(self.groups):
            yield from self.read(group)

    def _open(self) -> IO[bytes]:
        stream = self.path.open("r+b") if self.path.exists() else self.path.open("w+b")
        _lock(stream, self.path)
        stream.truncate(self._index(stream))
        if not stream.seek(0, os.SEEK_END):
            stream.write(_MAGIC)
            _write_record(stream, self._header)
        return stream

    def _index(self, stream: IO[bytes]) -> int:
        """Note where groups are; return where the whole records end, 0 if there is no header."""
        if stream.read(len(_MAGIC)) != _MAGIC or _read_record(stream) != self._header:
            return 0
        end = stream.tell()
        while (payload := _read_record(stream)) is not None:
            self._note(end, payload)
            end = stream.tell()
        return end

    def _note(self, offset: int, payload: bytes) -> None:
        group, failures, _ = _GROUP.unpack_from(payload)
        self._offsets[group] = offset
        self._failures.pop(group, None)
        if failures:
            self._failures[group] = failures


def _lock(stream: IO[bytes], path: Path) -> None:
    """Keep a second run of the same command away; the lock goes with the process."""
    with contextlib.suppress(ImportError):  # Windows has no fcntl
        import fcntl

        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            raise UserError(f"{path}: another run is writing this log") from None
        except OSError:  # some network drives cannot lock
            log.debug("no lock on %s", path)


def _write_record(stream: IO[bytes], payload: bytes) -> None:
    stream.write(_FRAME.pack(len(payload), zlib.crc32(payload)) + payload)
    stream.flush()
    os.fsync(stream.fileno())


def _read_record(stream: IO[bytes]) -> bytes | None:
    frame = stream.read(_FRAME.size)
    if len(frame) < _FRAME.size:
        return None
    length, checksum = _FRAME.unpack(frame)
    payload = stream.read(length)
    return payload if len(payload) == length and zlib.crc32(payload) == checksum else None


def _encode(group: int, results: Sequence[Found]) -> bytes:
    found = [result for result in results if isinstance(result, Detections)]
    table: dict[str, Any] = {
        "counts": [_FAILED if isinstance(r, Failure) else len(r) for r in results],
        "categories": [category for result in found for category in result.categories],
        "failures": [r.reason for r in results if isinstance(r, Failure)],
    }
    head = json.dumps(table, separators=(",", ":")).encode()
    corners = b"".join(result.corners().astype("<f4").tobytes() for result in found)
    scores = b"".join(result.scores.astype("<f4").tobytes() for result in found)
    return _GROUP.pack(group, len(table["failures"]), len(head)) + head + corners + scores


def _decode(payload: bytes) -> list[Found]:
    _, _, length = _GROUP.unpack_from(payload)
    start = _GROUP.size + length
    table = json.loads(payload[_GROUP.size : start])
    categories, failures = table["categories"], iter(table["failures"])
    numbers = np.frombuffer(payload, "<f4", offset=start)
    corners, scores = np.split(numbers, [4 * len(categories)])
    results: list[Found] = []
    first = 0
    for count in table["counts"]:
        if count == _FAILED:
            results.append(Failure(next(failures)))
            continue
        end = first + count
        box = slice(first, end)
        results.append(
            Detections.of_corners(corners[4 * first : 4 * end], scores[box], categories[box])
        )
        first = end
    return results
