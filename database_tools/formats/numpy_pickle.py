"""A reader of pickles that hold built-in values and numpy arrays of numbers, and nothing else.

A pickle is a program: a plain ``pickle.load`` runs whatever it says.  This reader knows few
names, numpy's own for arrays and numbers in the spellings of numpy 1 and 2, and puts stand-ins
in their place, so that not even numpy's code sees anything that was not checked.  Any other name
is refused before it is looked up.
"""

from __future__ import annotations

import functools
import math
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from database_tools.core.errors import FormatError
from database_tools.durable import files

_NUMBERS = re.compile(r"[|<>=]?([biuf][1248])")
_BROKEN = (
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
    AssertionError,  # of the unpickler itself: a class or key that is no text
    struct.error,
    pickle.UnpicklingError,
)
_NDARRAY = "stand-in for numpy.ndarray"


def load(path: Path) -> Any:
    """Read a pickle.

    Returns:
        Built-in values; arrays and numbers of numpy as ``Array`` and Python numbers.

    Raises:
        FormatError: if it is no pickle, or names anything but numpy's arrays and numbers.
    """
    try:
        with files.opened(path) as stream:
            return _Unpickler(stream).load()
    except _BROKEN as error:
        text = " ".join(str(error).split()) or "it ends too early"
        raise FormatError(path, "", f"not a pickle of numbers: {text}") from None


class Array:
    """Stands in for an array: checked, and held as bytes until it is asked for.

    A million small numpy arrays would take three times the memory.
    """

    __slots__ = ("_content", "_dtype", "_fortran", "_shape")

    def __init__(self) -> None:
        self._content: bytes | bytearray = b""
        self._dtype: np.dtype[Any] = np.dtype("f4")
        self._shape: tuple[int, ...] = (0,)
        self._fortran = False

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        self.fill(content, dtype, shape, "F" if fortran else "C")

    def fill(self, content: Any, dtype: Any, shape: Any, order: Any) -> Array:
        """Take an array's parts as a pickle has them; raise UnpicklingError if they are odd."""
        if not isinstance(dtype, _DType) or not isinstance(content, bytes | bytearray):
            raise pickle.UnpicklingError("an array without bytes or type")
        sizes = shape if isinstance(shape, tuple) else (shape,)
        if not all(isinstance(size, int) and size >= 0 for size in sizes):
            raise pickle.UnpicklingError(f"an array of shape {str(shape)[:80]}")
        if math.prod(sizes) * dtype.dtype.itemsize != len(content) or order not in ("C", "F"):
            raise pickle.UnpicklingError(f"{len(content)} bytes for an array of shape {sizes}")
        self._content, self._dtype, self._shape = content, dtype.dtype, _shared(sizes)
        self._fortran = order == "F"
        return self

    @property
    def value(self) -> np.ndarray:
        """The array, read-only."""
        flat = np.frombuffer(self._content, self._dtype)
        return flat.reshape(self._shape, order="F" if self._fortran else "C")


_shared = functools.lru_cache(tuple)
"""Gives one object for equal shapes: a million arrays have a few of them."""


class _DType:
    """Stands in for ``numpy.dtype``: numbers of 1 to 8 bytes only."""

    __slots__ = ("dtype",)

    def __init__(self, name: object, *_: object) -> None:
        match = _NUMBERS.fullmatch(str(name))
        if match is None or match[1] in ("b2", "b4", "b8", "f1"):
            raise pickle.UnpicklingError(f"an array of {str(name)[:80]!r}, expected numbers")
        self.dtype: np.dtype[Any] = np.dtype(str(name))

    def __setstate__(self, state: Any) -> None:
        _, order, *structure = state
        if any(part is not None for part in structure[:3]) or order not in ("<", ">", "|", "="):
            raise pickle.UnpicklingError("an array of records, expected numbers")
        self.dtype = np.dtype(self.dtype.newbyteorder(order))


def _reconstruct(subtype: object, *_: object) -> Array:
    if subtype != _NDARRAY:
        raise pickle.UnpicklingError("an array of an unknown kind")
    return Array()


def _from_buffer(content: object, dtype: object, shape: object, order: object, *_: object) -> Array:
    return Array().fill(content, dtype, shape, order)


def _scalar(dtype: object, content: object) -> int | float | bool:
    number: int | float | bool = Array().fill(content, dtype, (), "C").value.item()
    return number


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """Bytes as pickle protocols 0 to 2 have them."""
    if not isinstance(text, str) or encoding != "latin1":
        raise pickle.UnpicklingError("a text in place of bytes")
    return text.encode("latin1")


def _no_bytes() -> bytes:
    """No bytes at all, as pickle protocols 0 to 2 have them."""
    return b""


_KNOWN: dict[tuple[str, str], Callable[..., Any] | str] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _DType,
    ("_codecs", "encode"): _encode,
    ("__builtin__", "bytes"): _no_bytes,
}
for _core in ("numpy.core", "numpy._core"):
    _KNOWN[f"{_core}.multiarray", "_reconstruct"] = _reconstruct
    _KNOWN[f"{_core}.multiarray", "scalar"] = _scalar
    _KNOWN[f"{_core}.numeric", "_frombuffer"] = _from_buffer


class _Unpickler(pickle._Unpickler):
    """Python's own in Python: three times as slow, but it takes no more memory than the file.

    The one in C makes room for whatever number a program gives an object: five bytes of a
    broken or hostile file, LONG_BINPUT, take 64 GB.
    """

    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get((module, name))
        if known is None:
            raise pickle.UnpicklingError(
                f"it refers to {module}.{name}, and a file of detections holds numbers only; "
                "nothing in it was run"
            )
        # BUILD can set attributes of what it finds: give it a wrapper that is thrown away.
        return known if isinstance(known, str | type) else lambda *values: known(*values)
