"""A YOLO detector in an ONNX file: MegaDetector 5 and later, and whatever people fine-tune.

One input, float (B, 3, height, width) RGB in [0, 1]; the output is recognised by its shape and by
the metadata that its exporter left (``yolo_output`` has the three kinds).  ``names`` in the
metadata are the classes' names; without, a label map beside the file, else MegaDetector's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.detections import Found
from database_tools.core.errors import UserError
from database_tools.detectors import class_names, onnx_file, yolo_output
from database_tools.detectors.batched import Batched, in_one_line
from database_tools.detectors.detector import Image

_TYPES: dict[str, type[np.floating]] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


@dataclass(frozen=True)
class Input:
    """What goes in: the tensor, its type and size; pictures at a time, None for any."""

    name: str
    dtype: type[np.floating]
    width: int
    height: int
    batch: int | None


def load(path: Path, batch_size: int) -> Batched:
    """Open an ONNX file; raise UserError, with the reason, if it is none of a YOLO detector."""
    session = onnx_file.session(path)
    metadata = session.get_modelmeta().custom_metadata_map
    if (task := metadata.get("task", "detect")) != "detect":
        raise UserError(f"{path}: not a detector: its task is {task}")
    names = onnx_file.names(path, metadata)
    taken = _input(path, session)
    given, layout = _output(path, session, taken, names, metadata)

    def run(images: Sequence[Image]) -> Iterator[tuple[Any, yolo_output.Place]]:
        boxed = [yolo_output.letterbox(i, taken.width, taken.height) for i in images]
        pixels = np.stack([pixels for pixels, _ in boxed]).astype(taken.dtype, copy=False)
        [output] = session.run([given], {taken.name: pixels})
        return zip(output, (place for _, place in boxed), strict=True)

    def read(pairs: Iterator[tuple[Any, yolo_output.Place]]) -> list[Found]:
        return [yolo_output.detections(one, layout, place) for one, place in pairs]

    at_once, errors = taken.batch or batch_size, onnx_file.errors()
    categories, fingerprint = names or class_names.beside(path), f"{_hash(path)} x{at_once}"
    return Batched(
        path.name, categories, at_once, fingerprint, run, read, errors, of_one_size=False
    )


def _input(path: Path, session: Any) -> Input:
    inputs = session.get_inputs()
    if len(inputs) != 1:
        found = ", ".join(f'"{one.name}"' for one in inputs)
        raise UserError(f"{path}: not a detector: its inputs are {found}, expected one")
    [found] = inputs
    shape = found.shape
    if found.type not in _TYPES or len(shape) != 4 or shape[1] not in (3, None):
        raise UserError(
            f"{path}: its input is {found.type} {tuple(shape)}, "
            "expected pictures, float (batch, 3, height, width)"
        )
    batch, _, height, width = (side if isinstance(side, int) else None for side in shape)
    if height is None or width is None:
        raise UserError(f"{path}: its input has no fixed size; export it with one, such as 1280")
    if batch not in (None, 1):
        raise UserError(
            f"{path}: takes batches of exactly {batch} pictures; export it with batch size 1 or any"
        )
    return Input(found.name, _TYPES[found.type], width, height, batch)


def _output(
    path: Path,
    session: Any,
    taken: Input,
    names: Mapping[str, str] | None,
    metadata: Mapping[str, str],
) -> tuple[str, str]:
    """Find the output with the boxes, and its layout, by what a blank picture gives."""
    blank: npt.NDArray[np.floating] = np.zeros((1, 3, taken.height, taken.width), taken.dtype)
    try:
        values = session.run(None, {taken.name: blank})
    except onnx_file.errors() as error:
        raise UserError(f"{path}: cannot run on pictures: {in_one_line(error)}") from None
    shapes = {
        output.name: np.shape(value)
        for output, value in zip(session.get_outputs(), values, strict=True)
    }
    # Old exports give the maps that boxes were made of too, of five axes.
    tables = {name: shape[1:] for name, shape in shapes.items() if len(shape) == 3}
    final = any(metadata.get(key) == "True" for key in ("nms", "end2end"))
    if len(tables) == 1:
        [(name, (rows, columns))] = tables.items()
        size, classes = (taken.width, taken.height), None if names is None else len(names)
        layout = yolo_output.layout_of(rows, columns, size, classes, final=final)
        if layout is not None:
            return name, layout
    found = ", ".join(f'"{name}" {shape}' for name, shape in shapes.items())
    named = f" with {len(names)} names of classes" if names else ""
    raise UserError(
        f"{path}: not a YOLO detector: its outputs are {found}{named}, expected one of "
        "(1, N, 5 + classes), (1, 4 + classes, N) or (1, N, 6)"
    )


def _hash(path: Path) -> str:
    """Hash the graph, and its weights where they lie beside it."""
    digest = hashlib.sha256()
    for name in (path.name, f"{path.name}.data", f"{path.name}_data"):
        if (file := path.with_name(name)).is_file():
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()
