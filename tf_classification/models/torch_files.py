"""PyTorch's weight files, read without PyTorch and without executing anything in them.

They are zip archives with a pickle and one raw file for each storage::

    ckpt_7/data.pkl      what torch.save wrote: {"epoch": 7, "model": {name: tensor}, ...}
    ckpt_7/data/0        the numbers of storage 0, little endian
    compiled/data.pkl    what torch.jit.save wrote: a tree of modules, tensors as attributes
    compiled/code/...    TorchScript, never looked at

or, of before PyTorch 1.6, one stream: five pickles (a magic number, the protocol, the machine, what
torch.save was given, the keys of the storages), then for each of these keys the count of its
numbers, int64, and the numbers.

A pickle is a program that may call any function.  This reader knows the five names by which
tensors, numbers and modules are written, puts inert objects in their place, and refuses a file
that names anything else.
"""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

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

_MAGIC = 0x1950A86A20F9469CFC6C.to_bytes(10, "little")  # in the first pickle of the old format
_PROTOCOL = 1001
_COUNT = 8  # bytes of a storage's count
_HEAD = 32  # bytes that hold it, whatever the pickle's own protocol


def read(path: Path) -> Weights:
    """Read the weights of a training checkpoint, old or new, or of a TorchScript file.

    Returns:
        name to array, as the model's ``state_dict()`` has them, without the ``module.`` that
        DataParallel puts in front.

    Raises:
        FormatError: if it is no such file, or its pickle names anything but tensors and modules.
    """
    try:
        with path.open("rb") as file:
            if _MAGIC in file.read(_HEAD):
                file.seek(0)
                return _Stream(path, file).weights()
            with zipfile.ZipFile(file) as archive:
                return _Archive(path, archive).weights()
    except FileNotFoundError:
        raise FormatError(path, "", "no such file") from None
    except zipfile.BadZipFile:
        rule = "neither a zip archive nor a stream of PyTorch before 1.6"
        raise FormatError(path, "the file", rule) from None


@dataclass(frozen=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    size: int

    @property
    def bytes(self) -> int:
        return self.size * self.dtype.itemsize


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


class _Dictionary(dict[Any, Any]):
    """Stands for an OrderedDict: a ``state_dict()`` carries the versions of its layers."""

    def __setstate__(self, state: object) -> None:
        pass


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
    ("collections", "OrderedDict"): _Dictionary,
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

    Attributes:
        storages: those that it met, by their keys.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, _Storage] = {}

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
            case ("storage", str(kind), str(key), str(), int(size), *rest) if (
                kind in _DTYPES and size >= 0 and rest in ([], [None])
            ):
                storage = _Storage(key, np.dtype(_DTYPES[kind]), size)
                if self.storages.setdefault(key, storage) == storage:
                    return storage
        raise pickle.UnpicklingError(f"a storage of an unknown kind: {str(pid)[:80]}")


class _Reader(ABC):
    """One open file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def _error(self, place: str, rule: str) -> FormatError:
        return FormatError(self._path, place, rule)

    def weights(self) -> Weights:
        tensors = self._tensors(self._top())
        return {name.removeprefix("module."): self._array(name, t) for name, t in tensors.items()}

    @abstractmethod
    def _top(self) -> object:
        """Return what was saved, with tensors that are only described."""

    @abstractmethod
    def _numbers(self, name: str, storage: _Storage) -> bytes:
        """Return a storage's numbers, ``storage.bytes`` long; ``name`` is for errors."""

    def _unpickle(self, file: IO[bytes], place: str) -> tuple[object, dict[str, _Storage]]:
        unpickler = _Unpickler(file)
        try:
            return unpickler.load(), unpickler.storages
        # a broken pickle raises whatever its broken parts lead to
        except (pickle.UnpicklingError, ArithmeticError, AttributeError, EOFError) as error:
            raise self._error(place, str(error)) from None
        except (*_BROKEN, struct.error) as error:
            raise self._error(place, f"broken: {error}") from None

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
        rule = f'no weights, neither by themselves nor under "{_PLACES[0]}"'
        raise self._error("what was saved", rule)

    def _array(self, name: str, tensor: _Tensor) -> npt.NDArray[Any]:
        storage = tensor.storage
        numbers = self._numbers(name, storage)
        if tensor.last() >= storage.size:
            raise self._error(name, "reaches past the end of its storage")
        flat = np.frombuffer(numbers, storage.dtype)[tensor.offset :]
        strides = [s * storage.dtype.itemsize for s in tensor.strides]
        return np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)


class _Archive(_Reader):
    """A zip archive."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        super().__init__(path)
        self._archive = archive
        pickles = [n for n in archive.namelist() if n.count("/") == 1 and n.endswith("/data.pkl")]
        if len(pickles) != 1:
            raise self._error("the archive", "has no data.pkl, so torch did not write it")
        self._root = pickles[0].removesuffix("data.pkl")

    def _top(self) -> object:
        if f"{self._root}byteorder" in self._archive.namelist():
            order = self._archive.read(f"{self._root}byteorder")
            if order != b"little":
                raise self._error("byteorder", f"expected little, got {order[:20]!r}")
        with self._archive.open(f"{self._root}data.pkl") as file:
            return self._unpickle(file, "data.pkl")[0]

    def _numbers(self, name: str, storage: _Storage) -> bytes:
        try:
            info = self._archive.getinfo(f"{self._root}data/{storage.key}")
        except KeyError:
            raise self._error(name, f"its storage {storage.key!r} is missing") from None
        # torch stores without compression; a compressed storage could be a bomb
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != storage.bytes:
            rule = f"its storage {storage.key!r} is not {storage.bytes} plain bytes"
            raise self._error(name, rule)
        return self._archive.read(info)


class _Stream(_Reader):
    """The format of before PyTorch 1.6."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        super().__init__(path)
        self._file = file
        self._starts: dict[str, int] = {}

    def _top(self) -> object:
        _, protocol, machine = (self._unpickle(self._file, "the head")[0] for _ in range(3))
        if protocol != _PROTOCOL or not isinstance(machine, dict):
            raise self._error("the head", f"protocol {str(protocol)[:20]}, expected {_PROTOCOL}")
        if machine.get("little_endian") is not True:
            raise self._error("byteorder", "expected little")
        top, storages = self._unpickle(self._file, "what was saved")
        keys, _ = self._unpickle(self._file, "the storages' keys")
        self._find(keys if isinstance(keys, list) else [], storages)
        return top

    def _find(self, keys: list[object], storages: dict[str, _Storage]) -> None:
        """Note where each storage begins, and check that all are whole."""
        start, end = self._file.tell(), self._file.seek(0, io.SEEK_END)
        for key in keys:
            storage = storages.get(str(key))
            self._file.seek(start)
            count = int.from_bytes(self._file.read(_COUNT), "little")
            if storage is None or count != storage.size:
                expected = storage.size if storage else "none"
                rule = f"has {count} numbers, expected {expected}"
                raise self._error(f"storage {str(key)[:40]!r}", rule)
            self._starts[storage.key] = start + _COUNT
            start += _COUNT + storage.bytes
        if start != end:
            raise self._error("the storages", f"end at byte {start}, the file at {end}")

    def _numbers(self, name: str, storage: _Storage) -> bytes:
        if storage.key not in self._starts:
            raise self._error(name, f"its storage {storage.key!r} is missing")
        self._file.seek(self._starts[storage.key])
        return self._file.read(storage.bytes)


def _attributes(module: _Inert, prefix: str) -> dict[str, _Tensor]:
    """Walk a TorchScript module as ``state_dict()`` does."""
    found: dict[str, _Tensor] = {}
    for name, value in (module.state if isinstance(module.state, dict) else {}).items():
        if isinstance(value, _Tensor):
            found[f"{prefix}{name}"] = value
        elif isinstance(value, _Inert):
            found |= _attributes(value, f"{prefix}{name}.")
    return found
