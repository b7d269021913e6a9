"""``detections_final.pkl``: what a detector found in each picture, by image id.

    {"a1": {"num_detections": 2,
            "detection_classes": uint8 (2,),
            "detection_boxes": float32 (2, 4), rows (ymin, xmin, ymax, xmax), relative,
            "detection_scores": float32 (2,)},
     ...}

Image ids are those of the annotation file, int or str.  A picture that is not in it was not
looked at; one that has NaN or infinity among its numbers is read as a failure.  Files of
``convert_json_detections_to_pickle.py`` are read too: their values are lists of Python numbers,
without classes, which means animals.

Reading runs nothing that is in the file (``numpy_pickle``).  Writing is a stream of pickle's own
instructions, so that a million pictures need no memory; ``pickle.load`` reads the result under
numpy 1 and 2, and so does the original tool.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from database_tools.core import detection_numbers, reasons
from database_tools.core.detection_table import DetectionTable
from database_tools.core.detections import ANIMAL, NOTHING, Detections
from database_tools.core.errors import FormatError
from database_tools.durable import files
from database_tools.formats import numpy_pickle

ImageId = int | str

_Columns = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], list[str]]

_NUMBER, _CLASSES = "num_detections", "detection_classes"
_BOXES, _SCORES = "detection_boxes", "detection_scores"


def read(path: Path) -> DetectionTable:
    """Read all detections, keyed by image id; categories are class numbers as text.

    Raises:
        FormatError: if it is not such a pickle; nothing that it holds is run.
    """
    entries = numpy_pickle.load(path)
    if not isinstance(entries, dict):
        raise FormatError(path, "", f"holds a {type(entries).__name__}, expected a dict")
    table = DetectionTable()
    for key in list(entries):
        # An entry is dropped as soon as it is read: its objects take ten times its numbers.
        entry = entries.pop(key)
        if isinstance(key, bool) or not isinstance(key, int | str):
            raise FormatError(path, f"key {str(key)[:80]!r}", "expected an image id, int or str")
        try:
            columns = _columns(entry)
            if columns is None:
                table.add_failure(key, reasons.NOT_FINITE)
            else:
                table.add(key, *columns)
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise FormatError(path, f"entry {key!r}", str(error)) from None
    return table


def _columns(entry: Any) -> _Columns | None:
    """Return corners, scores and categories; None if a number is NaN or infinite."""
    if not isinstance(entry, dict):
        raise ValueError(f"a {type(entry).__name__}, expected a dict")
    if missing := [name for name in (_BOXES, _SCORES) if name not in entry]:
        raise ValueError(f"no {missing[0]!r}; its keys are {sorted(map(str, entry))}")
    scores = _numbers(entry[_SCORES]).reshape(-1)
    boxes = _numbers(entry[_BOXES]).reshape(-1, 4)
    numbers = _numbers(entry[_CLASSES]).reshape(-1) if _CLASSES in entry else None
    if not detection_numbers.are_finite(scores, boxes, [] if numbers is None else numbers):
        return None
    classes = [ANIMAL] * len(scores)
    if numbers is not None:
        classes = [str(number) for number in numbers.astype(np.int64)]
    if not len(boxes) == len(scores) == len(classes):
        found = f"{len(boxes)} boxes, {len(scores)} scores, {len(classes)} classes"
        raise ValueError(f"{found} do not belong together")
    detection_numbers.check_arrays(scores, boxes)
    return boxes.astype(np.float32), scores.astype(np.float32), classes


def _numbers(value: Any) -> npt.NDArray[Any]:
    if isinstance(value, numpy_pickle.Array):
        value = value.value
    elif not isinstance(value, list | tuple):
        raise ValueError(f"a {type(value).__name__}, expected numbers")
    array = np.asarray(value)
    if array.size and array.dtype.kind not in "biuf":
        raise ValueError("expected numbers")
    return array


def write(path: Path, items: Iterable[tuple[ImageId, Detections]]) -> None:
    """Write boxes from ``LEAST_CONFIDENCE`` on as they come; categories must be whole numbers."""
    with files.replacing(path) as temporary, temporary.open("wb") as stream:
        writer = _Writer(stream)
        for key, found in items:
            writer.add(key, found.worth_keeping())
        writer.close()


class _Writer:
    """Writes one dict as pickle protocol 4, entry by entry.

    What entries share (names, types) is put into pickle's memo first; the reader's memo does not
    grow after that.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._write = stream.write
        self._memo = 0
        self._write(pickle.PROTO + b"\x04")
        # numpy 2 still knows numpy 1's name of this function, and the original needs it.
        reconstruct = self._keep(_name("numpy.core.multiarray", "_reconstruct"))
        ndarray = self._keep(_name("numpy", "ndarray"))
        self._dtype = self._keep(_name("numpy", "dtype"))
        empty = ndarray + _int(0) + pickle.TUPLE1 + _bytes(b"b") + pickle.TUPLE3
        self._made = reconstruct + empty + pickle.REDUCE + pickle.MARK + _int(1)  # of any array
        self._float32 = self._keep(self._type("f4", "<"))
        self._uint8 = self._keep(self._type("u1", "|"))
        self._int32 = self._keep(self._type("i4", "<"))  # for detectors of more than 255 classes
        names = (_NUMBER, _CLASSES, _BOXES, _SCORES)
        self._keys = {name: self._keep(_text(name)) for name in names}
        self._nothing = self._entry(NOTHING)  # of many pictures
        self._write(pickle.EMPTY_DICT)

    def add(self, key: ImageId, found: Detections) -> None:
        """Write one picture's entry."""
        content = self._entry(found) if len(found) else self._nothing
        self._write((_text(key) if isinstance(key, str) else _int(key)) + content + pickle.SETITEM)

    def _entry(self, found: Detections) -> bytes:
        numbers = [int(category) for category in found.categories]
        small = all(number in range(256) for number in numbers)
        classes = np.array(numbers, np.uint8 if small else "<i4")
        corners = found.corners().astype("<f4", copy=False)
        entry = (
            self._keys[_NUMBER] + _int(len(found)),
            self._keys[_CLASSES] + self._array(classes, self._uint8 if small else self._int32),
            self._keys[_BOXES] + self._array(corners, self._float32),
            self._keys[_SCORES] + self._array(found.scores.astype("<f4"), self._float32),
        )
        return pickle.EMPTY_DICT + pickle.MARK + b"".join(entry) + pickle.SETITEMS

    def close(self) -> None:
        """End the pickle."""
        self._write(pickle.STOP)

    def _keep(self, instructions: bytes) -> bytes:
        """Write what makes an object, and return what recalls it."""
        self._write(instructions + pickle.MEMOIZE + pickle.POP)
        self._memo += 1
        return pickle.BINGET + bytes([self._memo - 1])

    def _type(self, name: str, order: str) -> bytes:
        """Instructions for ``numpy.dtype(name)`` with its state as numpy pickles it."""
        made = self._dtype + _text(name) + pickle.NEWFALSE + pickle.NEWTRUE + pickle.TUPLE3
        nothing = pickle.NONE * 3
        state = _int(3) + _text(order) + nothing + _int(-1) + _int(-1) + _int(0)
        return made + pickle.REDUCE + pickle.MARK + state + pickle.TUPLE + pickle.BUILD

    def _array(self, values: npt.NDArray[Any], dtype: bytes) -> bytes:
        """Instructions for an array with its state as numpy pickles it."""
        shape = b"".join(_int(size) for size in values.shape)
        shape += pickle.TUPLE1 if values.ndim == 1 else pickle.TUPLE2
        content = shape + dtype + pickle.NEWFALSE + _bytes(values.tobytes())
        return self._made + content + pickle.TUPLE + pickle.BUILD


def _name(module: str, name: str) -> bytes:
    return _text(module) + _text(name) + pickle.STACK_GLOBAL


def _text(text: str) -> bytes:
    content = text.encode("utf-8", "surrogatepass")
    if len(content) < 256:
        return pickle.SHORT_BINUNICODE + bytes([len(content)]) + content
    return pickle.BINUNICODE + struct.pack("<I", len(content)) + content


def _bytes(content: bytes) -> bytes:
    if len(content) < 256:
        return pickle.SHORT_BINBYTES + bytes([len(content)]) + content
    return pickle.BINBYTES + struct.pack("<I", len(content)) + content


def _int(number: int) -> bytes:
    if 0 <= number < 256:
        return pickle.BININT1 + bytes([number])
    if -(2**31) <= number < 2**31:
        return pickle.BININT + struct.pack("<i", number)
    content = pickle.encode_long(number)
    return pickle.LONG1 + bytes([len(content)]) + content
