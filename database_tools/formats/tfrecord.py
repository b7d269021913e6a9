"""``.tfrecord`` files and ``train-00000`` shards: a row of byte strings, without TensorFlow.

Each record is ``length (uint64) | checksum of length (uint32) | payload | checksum of payload``,
little endian, with masked CRC-32C checksums.

Source: tensorflow.org, "TFRecord and tf.train.Example".
"""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c
import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError

INDEXES = {split: f"{split}_index.npz" for split in ("train", "val", "test")}
"""What a training leaves beside a split's shards; it is made again when it is gone or stale."""

_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
_HEADER = _LENGTH.size + _CHECKSUM.size


def frame(payload: bytes) -> bytes:
    """Wrap one payload into a record."""
    length = _LENGTH.pack(len(payload))
    return b"".join((length, _checksum(length), payload, _checksum(payload)))


def _checksum(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
    return _CHECKSUM.pack(masked)


class Writer:
    """Writes records one after the other; use as a context manager.

    Write to a temporary neighbour (``files.replacing``): a shard that is cut off is an error to
    every reader.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def write(self, payload: bytes) -> None:
        """Append one record."""
        self._file.write(frame(payload))

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def read(path: Path) -> Iterator[bytes]:
    """Yield the payloads in order, checking both checksums.

    Raises:
        FormatError: at a checksum that does not fit, or where the file is cut off.
    """
    return (payload for _, payload in placed(path))


def placed(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield each payload after its offset in the file; otherwise as ``read``."""
    size = path.stat().st_size
    with path.open("rb") as file:
        while (position := file.tell()) < size:
            length = _read_length(path, file, size)
            payload = file.read(length)
            if file.read(_CHECKSUM.size) != _checksum(payload):
                place = f"byte {position + _HEADER}"
                raise FormatError(path, place, "the checksum of a record does not fit")
            yield position + _HEADER, payload


def offsets(path: Path) -> npt.NDArray[np.int64]:
    """Find the payloads by their lengths alone, without reading them.

    Returns:
        (N, 2) int64, rows (offset of the payload in the file, its length), both in bytes.

    Raises:
        FormatError: where a length's checksum does not fit, or the file is cut off.
    """
    found = []
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        position = 0
        while position < size:
            file.seek(position)
            length = _read_length(path, file, size)
            found.append((position + _HEADER, length))
            position += _HEADER + length + _CHECKSUM.size
    return np.array(found, np.int64).reshape(-1, 2)


def _read_length(path: Path, file: BinaryIO | io.RawIOBase, size: int) -> int:
    """Read a record's head and return its payload's length; ``size`` is the file's."""
    start = file.tell()
    header = file.read(_HEADER) or b""
    if len(header) < _HEADER:
        raise FormatError(path, f"byte {start}", "the file is cut off within a record")
    if header[_LENGTH.size :] != _checksum(header[: _LENGTH.size]):
        raise FormatError(path, f"byte {start}", "not a TFRecord: a length's checksum is wrong")
    length: int = _LENGTH.unpack_from(header)[0]
    if start + _HEADER + length + _CHECKSUM.size > size:
        raise FormatError(path, f"byte {start}", "the file is cut off within a record")
    return length
