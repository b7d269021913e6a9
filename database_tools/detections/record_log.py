"""A file of records that is only appended to, so that a kill or a power cut loses its tail at most.

    magic | record | record | ...
    record: uint32 length of the payload, uint32 crc32 of the payload, payload

A record that is cut short, zeroed or noise ends the log: opening cuts it off.  Record 0 says what
the log is of; a log that begins otherwise is begun anew.
"""

from __future__ import annotations

import logging
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.durable import disk

log = logging.getLogger(__name__)

_MAGIC = b"detlog2\n"
_FRAME = struct.Struct("<II")


def of_other_versions(folder: Path) -> Iterator[Path]:
    """Yield the logs in a folder that another version of this tool wrote."""
    for path in sorted(folder.glob("detections_*.log")):
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
        if start.startswith(b"detlog") and start != _MAGIC:
            yield path


class RecordLog:
    """An open log; its caller keeps other writers away, and closes it."""

    def __init__(self, path: Path, header: bytes) -> None:
        """Open a log of this record 0 to go on with it, or begin one.

        Raises:
            UserError: if the file cannot be written.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = not path.exists()
            self._stream = path.open("w+b" if new else "r+b")
            if not self._begins_with(header):
                if not new:
                    log.warning("WARNING: %s: cannot be read, so it is begun anew", path)
                self._begin(header)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}") from error
        self._first = self._end = self._stream.tell()

    def close(self) -> None:
        """Close the file; what was appended is safe already."""
        self._stream.close()

    def records(self) -> Iterator[tuple[int, bytes]]:
        """Yield (place, payload) of each record; what follows the last whole one is cut off."""
        place = self._first
        while (payload := self._at(place)) is not None:
            yield place, payload
            place += _FRAME.size + len(payload)
        self._end = place
        if lost := self._stream.seek(0, os.SEEK_END) - place:
            log.warning("WARNING: %s: the last %d bytes are broken and cut off", self.path, lost)
            self._stream.truncate(place)

    def append(self, payload: bytes) -> int:
        """Add a record and return its place; when this returns, it survives a power cut.

        Raises:
            UserError: if the disk is full.
        """
        place = self._stream.seek(self._end)
        try:
            self._write(payload)
        except OSError as error:
            # What was written of it is a torn record, which the next run cuts off.
            raise UserError(f"cannot write {self.path}: {error.strerror}") from error
        self._end = self._stream.tell()
        return place

    def read(self, place: int) -> bytes:
        """Return the payload of the record at a place.

        Raises:
            UserError: if it cannot be read any more.
        """
        payload = self._at(place)
        if payload is None:
            raise UserError(f"{self.path}: byte {place}: this record cannot be read any more")
        return payload

    def _begins_with(self, header: bytes) -> bool:
        return self._stream.read(len(_MAGIC)) == _MAGIC and self._at(len(_MAGIC)) == header

    def _begin(self, header: bytes) -> None:
        self._stream.seek(0)
        self._stream.truncate()
        self._stream.write(_MAGIC)
        self._write(header)
        disk.sync(self.path.parent)

    def _at(self, place: int) -> bytes | None:
        self._stream.seek(place)
        frame = self._stream.read(_FRAME.size)
        if len(frame) < _FRAME.size:
            return None
        length, checksum = _FRAME.unpack(frame)
        # Zeros would be a record without content: there is none.
        if not 0 < length <= os.fstat(self._stream.fileno()).st_size - place:
            return None
        payload = self._stream.read(length)
        return payload if len(payload) == length and zlib.crc32(payload) == checksum else None

    def _write(self, payload: bytes) -> None:
        self._stream.write(_FRAME.pack(len(payload), zlib.crc32(payload)))
        self._stream.write(payload)
        self._stream.flush()
        os.fsync(self._stream.fileno())
