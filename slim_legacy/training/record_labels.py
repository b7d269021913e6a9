"""The largest label of records, found without reading their pictures.

Features are sorted by name in the records of ``make_classification_dataset.py``, so the label
stands before the picture; where it does not, the whole record is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from database_tools.formats import example, tfrecord

_NAME = b"image/class/label"
_HEAD = 2048  # bytes of a record that are read first


def largest(shards: Iterable[Path]) -> int:
    """Return the largest ``image/class/label`` of all records; -1 if none has one."""
    return max((label for shard in shards for label in _labels(shard)), default=-1)


def _labels(shard: Path) -> Iterable[int]:
    with shard.open("rb", buffering=0) as file:
        for start, length in tfrecord.offsets(shard).tolist():
            file.seek(start)
            label = _from_head(file.read(min(length, _HEAD)))
            if label is None:
                file.seek(start)
                label = _from_whole(file.read(length))
            yield label


def _from_head(head: bytes) -> int | None:
    """Read the number behind the name: a value, a list of numbers, perhaps packed, a number."""
    at = head.find(_NAME) + len(_NAME)
    value = head[at : at + 20]
    if at < len(_NAME) or len(value) < 20:
        return None
    tags = value[0:1] + value[2:3] + value[4:5]
    if tags == b"\x12\x1a\x0a":
        return _varint(value[6:])
    return _varint(value[5:]) if tags == b"\x12\x1a\x08" else None


def _varint(encoded: bytes) -> int:
    number = 0
    for i, byte in enumerate(encoded[:10]):
        number |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            break
    return number if number < 2**63 else number - 2**64


def _from_whole(payload: bytes) -> int:
    try:
        return int(example.decode(payload)["image/class/label"][0])
    except (ValueError, KeyError, IndexError, TypeError):
        return -1  # the input names it when it comes to it
