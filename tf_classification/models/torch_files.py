"""PyTorch's weight files, read without PyTorch and without executing anything in them.

Both kinds are zip archives with a pickle and one raw file for each storage::

    ckpt_7/data.pkl      what torch.save wrote: {"epoch": 7, "model": {name: tensor}, ...}
    ckpt_7/data/0        the numbers of storage 0, little endian
    compiled/data.pkl    what torch.jit.save wrote: a tree of modules, tensors as attributes
    compiled/code/...    TorchScript, never looked at

A pickle is a program that may call any function.  This reader knows the five names by which
tensors, numbers and modules are written, puts inert objects in their place, and refuses a file
that names anything else.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError

Weights = dict[str, npt.NDArray[Any]]

SUFFIXES = (".pt", ".pth")

_DTYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "?",
}
# Where a training script's own dictionary keeps the weights.
_PLACES = ("model", "state_dict")


def read(path: Path) -> Weights:
    """Read the weights of a training checkpoint or of a TorchScript file.

    Returns:
        name to array, as the model's ``state_dict()`` has them, without the ``module.`` that
        DataParallel puts in front.

    Raises:
        FormatError: if it is neither kind of file, or its pickle names anything but tensors and
            modules.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Reader(path, archive).weights()
    except FileNotFoundError:
        raise FormatError(path, "", "no such file") from None
    except zipfile.BadZipFile:
        rule = "not a zip archive, which torch.save writes since PyTorch 1.6; save it anew there"
        raise FormatError(path, "the file", rule) from None


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    size: int


@dataclass(frozen=True)
class _Tensor:
    """What ``torch._utils._rebuild_tensor_v2`` is told; the numbers are read later."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def last(self) -> int:
        """Index in the storage of the tensor's last number; -1 of an empty one."""
        if 0 in self.shape:
            return -1
        return self.offset + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))


class _Inert:
    """Stands for a module or for an object that does not matter; does nothing."""

    def __init__(self, *_: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


def _tensor(storage: object, offset: object, shape: object, strides: object, *_: object) -> _Tensor:
    numbers = (offset, *_numbers(shape), *_numbers(strides))
    if not isinstance(storage, _Storage) or any(type(n) is not int or n < 0 for n in numbers):
        raise pickle.UnpicklingError("a tensor that is not described by its storage and sizes")
    if len(_numbers(shape)) != len(_numbers(strides)):
        raise pickle.UnpicklingError("a tensor without as many strides as sizes")
    return _Tensor(storage, int(numbers[0]), _numbers(shape), _numbers(strides))


def _numbers(value: object) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (None,)


def _parameter(tensor: object, *_: object) -> object:
    return tensor


_KNOWN: dict[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("collections", "OrderedDict"): dict,
    # a metric kept as a numpy number
    ("numpy", "dtype"): _Inert,
    ("numpy.core.multiarray", "scalar"): _Inert,
    ("numpy._core.multiarray", "scalar"): _Inert,
    ("_codecs", "encode"): _Inert,
    # lists of numbers in a TorchScript file
    ("torch.jit._pickle", "build_intlist"): _parameter,
    ("torch.jit._pickle", "build_doublelist"): _parameter,
    ("torch.jit._pickle", "build_boollist"): _parameter,
    ("torch.jit._pickle", "build_tensorlist"): _parameter,
}


_BROKEN = (AssertionError, ImportError, LookupError, MemoryError, TypeError, ValueError)


class _Unpickler(pickle._Unpickler):
    """Builds inert objects; every name that it does not know ends it.

    Python's own in Python: the one in C lets five bytes take 64 GB (see ``numpy_pickle``).
    """

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in _DTYPES:
            return name
        if module == "__torch__" or module.startswith("__torch__."):
            return _Inert
        if (module, name) in _KNOWN:
            return _KNOWN[module, name]
        raise pickle.UnpicklingError(f"it would run {module}.{name}; refused, nothing was run")

    def persistent_load(self, pid: Any) -> _Storage:
        match pid:
            case ("storage", str(kind), str(key), str(), int(size)) if kind in _DTYPES:
                return _Storage(key, np.dtype(_DTYPES[kind]), size)
        raise pickle.UnpicklingError(f"a storage of an unknown kind: {str(pid)[:80]}")


class _Reader:
    """One open archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self._path = path
        self._archive = archive
        pickles = [n for n in archive.namelist() if n.count("/") == 1 and n.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise self._error("the archive", "has no data.pkl, so torch did not write it")
        self._root = pickles[0].removesuffix("data.pkl")

    def _error(self, place: str, rule: str) -> FormatError:
        return FormatError(self._path, place, rule)

    def weights(self) -> Weights:
        if f"{self._root}byteorder" in self._archive.namelist():
            order = self._archive.read(f"{self._root}byteorder")
            if order != b"little":
                raise self._error("byteorder", f"expected little, got {order[:20]!r}")
        tensors = self._tensors(self._unpickle())
        return {name.removeprefix("module."): self._array(name, t) for name, t in tensors.items()}

    def _unpickle(self) -> object:
        with self._archive.open(f"{self._root}data.pkl") as file:
            try:
                return _Unpickler(file).load()
            # a broken pickle raises whatever its broken parts lead to
            except (pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError) as error:
                raise self._error("data.pkl", str(error)) from None
            except (*_BROKEN, struct.error) as error:
                raise self._error("data.pkl", f"broken: {error}") from None

    def _tensors(self, top: object) -> dict[str, _Tensor]:
        if isinstance(top, _Inert):
            return _attributes(top, "")
        table: object = top
        for place in _PLACES:
            if isinstance(top, dict) and isinstance(top.get(place), dict):
                table = top[place]
        if isinstance(table, dict):
            found = {str(k): v for k, v in table.items() if isinstance(v, _Tensor)}
            if found:
                return found
        raise self._error("data.pkl", f'no weights, neither by themselves nor under "{_PLACES[0]}"')

    def _array(self, name: str, tensor: _Tensor) -> npt.NDArray[Any]:
        storage = tensor.storage
        try:
            info = self._archive.getinfo(f"{self._root}data/{storage.key}")
        except KeyError:
            raise self._error(name, f"its storage {storage.key!r} is missing") from None
        # torch stores without compression; a compressed storage could be a bomb
        size = storage.size * storage.dtype.itemsize
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != size:
            raise self._error(name, f"its storage {storage.key!r} is not {size} plain bytes")
        if tensor.last() >= storage.size:
            raise self._error(name, "reaches past the end of its storage")
        flat = np.frombuffer(self._archive.read(info), storage.dtype)[tensor.offset :]
        strides = [s * storage.dtype.itemsize for s in tensor.strides]
        return np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)


def _attributes(module: _Inert, prefix: str) -> dict[str, _Tensor]:
    """Walk a TorchScript module as ``state_dict()`` does."""
    found: dict[str, _Tensor] = {}
    for name, value in (module.state if isinstance(module.state, dict) else {}).items():
        if isinstance(value, _Tensor):
            found[f"{prefix}{name}"] = value
        elif isinstance(value, _Inert):
            found |= _attributes(value, f"{prefix}{name}.")
    return found
