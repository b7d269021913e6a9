"""Where each record of a set of shards is, and what its crop shows: random access to TFRecords.

Made once by reading all shards, then kept beside them (on this machine, if they are in an object
store) in ``<split>_index.npz`` with the names, sizes and times of the shards that it describes;
with other shards it is made anew.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files
from database_tools.formats import example, npz, tfrecord
from database_tools.remote import cache

log = logging.getLogger(__name__)

_SHARD = re.compile(r"-\d{5}(-of-\d{5})?")


@dataclass(frozen=True, eq=False)
class RecordIndex:
    """The n records of a split in the order of the shards.

    Attributes:
        keys: (n,) text, ``image/filename``.
        places: (n,) text, ``image/location``; "" where a record has none.
        labels: (n,) int32, ``image/class/label``.
        confidences: (n,) float32, ``image/detection_conf``; 1 where a record has none.
        shard: (n,) int32, position of the record's file in the sorted list of shards.
        offset: (n,) int64, where the encoded picture begins in it.
        length: (n,) int64, of the encoded picture in bytes.
    """

    keys: npt.NDArray[np.str_]
    places: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int32]
    confidences: npt.NDArray[np.float32]
    shard: npt.NDArray[np.int32]
    offset: npt.NDArray[np.int64]
    length: npt.NDArray[np.int64]


def shards(folder: Path, split: str) -> list[Path]:
    """Return the split's shards, ``train-00000`` or ``train-00000-of-00004``, in order."""
    found = folder.glob(f"{split}-*")
    return sorted(path for path in found if _SHARD.fullmatch(path.name.removeprefix(split)))


def load(folder: Path, split: str) -> RecordIndex:
    """Return the index of a split's shards, from the file beside them if it describes them.

    Raises:
        FormatError: if a shard is broken or a record is not a picture with a label.
    """
    paths = shards(folder, split)
    path = cache.beside(folder) / tfrecord.INDEXES[split]
    fingerprint = _fingerprint(paths)
    if (index := _read(path, fingerprint)) is not None:
        return index
    log.info("reading %d shards once to index them", len(paths))
    index = build(paths)
    try:
        _write(path, fingerprint, index)
    except UserError as error:  # a folder for reading only
        log.warning("%s; the shards will be read again next time", error)
    return index


def build(paths: Sequence[Path]) -> RecordIndex:
    """Read the shards, checking all checksums."""
    parts = [_index_shard(number, path) for number, path in enumerate(paths)]
    names = [field.name for field in fields(RecordIndex)]
    empty = _columns([])
    return RecordIndex(
        *(np.concatenate([empty[i], *(getattr(p, n) for p in parts)]) for i, n in enumerate(names))
    )


def _index_shard(number: int, path: Path) -> RecordIndex:
    rows: list[tuple[object, ...]] = []
    for start, payload in tfrecord.placed(path):
        try:
            row = _row(payload)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            rule = f"not a record of a picture with a label: {error!r}"
            raise FormatError(path, f"byte {start}", rule) from None
        rows.append((*row[:4], number, start + row[4], row[5]))
    return RecordIndex(*_columns(rows))


def _columns(rows: list[tuple[object, ...]]) -> list[npt.NDArray[Any]]:
    types: list[Any] = [np.dtypes.StringDType(), np.dtypes.StringDType()]
    types += [np.int32, np.float32, np.int32, np.int64, np.int64]
    columns = list(zip(*rows, strict=True)) or [()] * len(types)
    return [np.array(c, t) for c, t in zip(columns, types, strict=True)]


def _row(payload: bytes) -> tuple[str, str, int, float, int, int]:
    """Return key, place, label, confidence, and where the picture is in ``payload``."""
    features = example.decode(payload)
    encoded = bytes(features["image/encoded"][0])
    label = int(features["image/class/label"][0])
    if label < 0:
        raise ValueError(f"image/class/label is {label}")
    found = features.get("image/detection_conf", ())
    confidence = float(found[0]) if len(found) else 1.0
    key, place = _text(features, "image/filename"), _text(features, "image/location")
    return key, place, label, confidence, payload.index(encoded), len(encoded)


def _text(features: dict[str, example.Feature], name: str) -> str:
    values = features.get(name, ())
    return bytes(values[0]).decode("utf-8", "replace") if len(values) else ""


def _fingerprint(paths: Sequence[Path]) -> str:
    stats = [(path.name, path.stat()) for path in paths]
    return json.dumps([[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats])


def _read(path: Path, fingerprint: str) -> RecordIndex | None:
    """Read the kept index; None if there is none, or one of other shards, or it is broken."""
    try:
        archive = npz.read(path)
        if npz.unpack(archive["fingerprint"]) != [fingerprint]:
            return None
        texts = {name: npz.unpack(archive[name]) for name in ("keys", "places")}
        numbers = {
            field.name: archive[field.name]
            for field in fields(RecordIndex)
            if field.name not in texts
        }
    except (UserError, ValueError, KeyError):
        return None
    as_text = np.dtypes.StringDType()
    return RecordIndex(**{n: np.array(t, as_text) for n, t in texts.items()}, **numbers)


def _write(path: Path, fingerprint: str, index: RecordIndex) -> None:
    columns = {field.name: getattr(index, field.name) for field in fields(RecordIndex)}
    for name in ("keys", "places"):
        columns[name] = npz.pack(columns[name].tolist())
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, fingerprint=npz.pack([fingerprint]), **columns)
