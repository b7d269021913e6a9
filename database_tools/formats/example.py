"""``tf.train.Example``: what a TFRecord of ours holds, encoded and decoded without TensorFlow.

An Example is a map from names to lists of byte strings, floats or integers:

    encode({"image/class/text": [b"red fox"],
            "image/class/label": np.array([1]),          # integers: int64
            "image/detection_conf": np.array([0.9])})    # floats: float32

The bytes are those of protocol buffers with the names sorted, so that equal features make equal
bytes (protobuf itself promises no order of a map).

Source: tensorflow/core/example/{example,feature}.proto; protobuf.dev, "Encoding".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Feature: TypeAlias = Sequence[bytes] | npt.NDArray[np.float32] | npt.NDArray[np.int64]
Features: TypeAlias = Mapping[str, Feature]

BYTES, FLOATS, INTS = 1, 2, 3
"""Field numbers of the three lists in a Feature."""

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5

NO_BYTES: tuple[bytes, ...] = ()
NO_FLOATS = np.zeros(0, np.float32)
NO_INTS = np.zeros(0, np.int64)


def encode(features: Features) -> bytes:
    """Serialise an Example with its names in sorted order; a list of bytes or an array (N,) each.

    Raises:
        TypeError: for values of another kind, such as text.
    """
    return assemble({name: entry(name, feature) for name, feature in features.items()})


def entry(name: str, feature: Feature) -> bytes:
    """Serialise one feature, for ``assemble``: one that many Examples share needs it only once."""
    return _delimited(1, _delimited(1, name.encode()) + _delimited(2, _feature(name, feature)))


def assemble(entries: Mapping[str, bytes]) -> bytes:
    """Make an Example of serialised features by their names."""
    return _delimited(1, b"".join([entries[name] for name in sorted(entries)]))


def _feature(name: str, values: Feature) -> bytes:
    if isinstance(values, np.ndarray):
        if values.dtype.kind == "f":
            packed = values.astype("<f4").tobytes()
            return _delimited(FLOATS, _delimited(1, packed) if packed else b"")
        if values.dtype.kind in "iu":
            packed = b"".join(_varint(int(v) & 0xFFFF_FFFF_FFFF_FFFF) for v in values)
            return _delimited(INTS, _delimited(1, packed) if packed else b"")
        raise TypeError(f"{name}: {values.dtype} is neither float nor integer")
    if not all(isinstance(value, bytes) for value in values):
        raise TypeError(f"{name}: expected bytes or an array, got {values!r}")
    return _delimited(BYTES, b"".join(_delimited(1, value) for value in values))


def _delimited(field: int, content: bytes) -> bytes:
    return bytes((field << 3 | _DELIMITED,)) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode(serialised: bytes) -> dict[str, Feature]:
    """Parse an Example of any writer.

    Returns:
        Name to a tuple of bytes, a float32 array or an int64 array.  A feature without a list
        is an empty tuple.

    Raises:
        ValueError: if the bytes are not an Example.
    """
    features: dict[str, Feature] = {}
    try:
        for _, message in _fields(serialised, 1):
            for _, entry in _fields(message, 1):
                parts = dict(_fields(entry))
                features[bytes(parts[1]).decode()] = _values(parts.get(2, memoryview(b"")))
    except (IndexError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"not a tf.train.Example: {error}") from None
    return features


def _values(feature: memoryview) -> Feature:
    values: Feature = ()
    for kind, content in _fields(feature):
        # A packed list is one field, an unpacked one a field for each value.
        pieces = [piece for _, piece in _fields(content, 1)]
        if kind == BYTES:
            values = tuple(bytes(piece) for piece in pieces)
        elif kind == FLOATS:
            values = np.frombuffer(b"".join(pieces), "<f4").astype(np.float32)
        elif kind == INTS:
            values = np.array(_varints(b"".join(pieces)), np.uint64).astype(np.int64)
    return values


def _fields(message: bytes | memoryview, only: int | None = None) -> list[tuple[int, memoryview]]:
    """List the (number, raw content) of a message's fields, all or those of one number."""
    view = memoryview(message)
    found = []
    position = 0
    while position < len(view):
        tag, position = _read_varint(view, position)
        start = position
        if tag & 7 == _DELIMITED:
            length, start = _read_varint(view, position)
            position = start + length
        elif tag & 7 == _VARINT:
            _, position = _read_varint(view, position)
        elif tag & 7 in (_FIXED32, _FIXED64):
            position += 4 if tag & 7 == _FIXED32 else 8
        else:
            raise ValueError(f"not a protocol buffer: wire type {tag & 7}")
        if position > len(view):
            raise ValueError("not a protocol buffer: cut off")
        if only is None or tag >> 3 == only:
            found.append((tag >> 3, view[start:position]))
    return found


def _read_varint(view: memoryview, position: int) -> tuple[int, int]:
    """Return the number at ``position`` and the position after it."""
    value = shift = 0
    while True:
        byte = view[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _varints(packed: bytes) -> list[int]:
    view = memoryview(packed)
    values, position = [], 0
    while position < len(view):
        value, position = _read_varint(view, position)
        values.append(value)
    return values
