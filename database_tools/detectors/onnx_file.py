"""An ONNX file, opened by ONNX Runtime, and the names of its classes."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from database_tools.core.errors import UserError
from database_tools.detectors.batched import in_one_line


def session(path: Path) -> Any:
    """Open a file, on a GPU if there is one; raise UserError if it cannot be."""
    try:
        import onnxruntime as runtime
    except ImportError:
        raise UserError(
            f"{path}: an ONNX file is run by onnxruntime: pip install 'tf-classification[onnx]'"
        ) from None
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    there = [name for name in wanted if name in runtime.get_available_providers()]
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors
    try:
        return runtime.InferenceSession(path, options, providers=there)
    except errors() as error:
        raise UserError(f"{path}: not an ONNX graph that runs: {in_one_line(error)}") from None


def errors() -> tuple[type[Exception], ...]:
    """Return what ONNX Runtime raises: its exceptions have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as states

    found = (value for value in vars(states).values() if isinstance(value, type))
    return tuple(kind for kind in found if issubclass(kind, Exception))


def names(path: Path, metadata: Mapping[str, str]) -> dict[str, str] | None:
    """Return category id, the class number from 1, to name; None if the metadata has no ``names``.

    These are Python's ``{0: 'animal', 1: 'person'}`` or a list.

    Raises:
        UserError: if it is neither.
    """
    if (text := metadata.get("names")) is None:
        return None
    try:
        table = ast.literal_eval(text)
        pairs = dict(table if isinstance(table, dict) else enumerate(table))
        found = {str(int(number) + 1): str(name) for number, name in sorted(pairs.items())}
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise UserError(f"{path}: its names of classes cannot be read: {text[:80]!r}") from None
    return found or None
