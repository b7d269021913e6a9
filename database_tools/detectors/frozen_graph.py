"""A detector in one ``.pb`` file: a frozen graph with the Object Detection API's tensor names.

``image_tensor:0``, uint8 (B, H, W, 3), goes in; ``detection_boxes:0``, ``detection_scores:0``,
``detection_classes:0`` and, where the graph has it, ``num_detections:0`` come out.  MegaDetector
2 to 4.1 are such files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from database_tools.core.errors import UserError, few
from database_tools.detectors import graph_detector, raw_output
from database_tools.detectors.batched import Batched, in_one_line
from database_tools.detectors.graph_detector import Function

_INPUT = "image_tensor"
_NEEDED = (_INPUT, *raw_output.REQUIRED)


def load(path: Path, batch_size: int) -> Batched:
    """Open a frozen graph; raise UserError if it is none or none of a detector."""
    content = _content(path)
    graph_def = _parse(path, content)
    _check_names(path, graph_def)
    run, pictures = _function(path, graph_def)
    at_once = graph_detector.batch_size_of(path, pictures.dtype, pictures.shape, batch_size)
    return graph_detector.make(path, at_once, hashlib.sha256(content).hexdigest(), run)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if not content:
        raise UserError(f"{path}: the file is empty, expected a frozen graph")
    return content


def _parse(path: Path, content: bytes) -> tf.compat.v1.GraphDef:
    graph_def = tf.compat.v1.GraphDef()
    try:
        graph_def.ParseFromString(content)
    except DecodeError:
        raise UserError(f"{path}: not a frozen graph (a binary GraphDef)") from None
    if not any(node.op for node in graph_def.node):
        raise UserError(f"{path}: not a frozen graph: it has no operation")
    return graph_def


def _check_names(path: Path, graph_def: tf.compat.v1.GraphDef) -> None:
    names = {node.name for node in graph_def.node}
    if missing := [name for name in _NEEDED if name not in names]:
        inputs = [node.name for node in graph_def.node if node.op == "Placeholder"]
        raise UserError(
            f'{path}: not a detector: no tensor "{missing[0]}:0"; '
            f"its inputs are {_listed(inputs)}, its outputs {_listed(_outputs(graph_def))}"
        )


def _outputs(graph_def: tf.compat.v1.GraphDef) -> list[str]:
    """Nodes that no other node reads."""
    read = {i.lstrip("^").split(":")[0] for node in graph_def.node for i in node.input}
    return [node.name for node in graph_def.node if node.name not in read]


def _listed(names: Iterable[str]) -> str:
    return few([f'"{name}"' for name in names]) or "none"


def _function(path: Path, graph_def: tf.compat.v1.GraphDef) -> tuple[Function, tf.Tensor]:
    """Turn the graph into a function; a Session would cost more and give the same (spec: stack)."""
    names = {node.name for node in graph_def.node}
    fetched = [*raw_output.REQUIRED, *(n for n in [raw_output.NUMBER] if n in names)]
    try:
        imported = tf.compat.v1.wrap_function(
            lambda: tf.compat.v1.import_graph_def(graph_def, name=""), []
        )
        pictures = imported.graph.get_tensor_by_name(f"{_INPUT}:0")
        outputs = [imported.graph.get_tensor_by_name(f"{name}:0") for name in fetched]
        pruned = imported.prune(pictures, outputs)
    except (tf.errors.OpError, ValueError, KeyError) as error:
        raise UserError(f"{path}: this graph cannot be loaded: {in_one_line(error)}") from error

    def run(batch: tf.Tensor) -> Mapping[str, tf.Tensor]:
        return dict(zip(fetched, pruned(batch), strict=True))

    return run, pictures
