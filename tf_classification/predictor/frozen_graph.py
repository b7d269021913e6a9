"""Frozen graphs of ``slim_legacy``, which prepare crops themselves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from database_tools.core.errors import FormatError, UserError
from database_tools.imaging import UnreadableImage
from tf_classification.predictor.predictor import Floats, Pictures, Predictor

INPUT = "input"
"""(height, width, 3) float32 in [0, 1]."""
OUTPUT = "output"
"""(1, classes) probabilities."""


class FrozenGraph(Predictor):
    """A ``.pb`` file with the names of its classes."""

    def __init__(self, path: Path, labels: Sequence[str], origin: str) -> None:
        super().__init__(path, labels, None, None)
        self._predict = _function(path)
        outputs = len(self.of_pixels([np.zeros((8, 8, 3), np.uint8)])[0])
        if outputs != len(labels):
            raise UserError(f"{origin} has {len(labels)} classes, {path} {outputs} outputs")

    def _pixels(self, encoded: bytes) -> Floats:
        try:
            # The default method, as in the network's training: up to 5 of 255 off the exact one.
            picture = tf.image.decode_image(encoded, channels=3, expand_animations=False)
        except tf.errors.InvalidArgumentError:
            raise UnreadableImage("corrupt") from None
        return np.asarray(picture.numpy(), np.float32)

    def of_pixels(self, pixels: Pictures) -> Floats:
        """Classify N whole crops, each (height, width, 3) 0..255 of its own size."""
        rows = [self._predict(tf.cast(picture, tf.float32) / 255)[0] for picture in pixels]
        return np.stack([row.numpy() for row in rows])


def read(path: Path) -> tf.compat.v1.GraphDef:
    """Read a binary graph; raise FormatError if it is not one."""
    graph = tf.compat.v1.GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
    except Exception as error:  # protobuf's DecodeError has a home of its own in each version
        raise FormatError(path, "", "not a GraphDef (a frozen graph, .pb)") from error
    return graph


def _function(path: Path) -> tf.types.experimental.ConcreteFunction:
    if not path.is_file():
        raise UserError(f"{path}: no such frozen graph")
    graph = read(path)
    names = {node.name for node in graph.node}
    for name in (INPUT, OUTPUT):
        if name not in names:
            rule = f"no node {name!r}: freeze an export_inference_graph.py graph"
            raise FormatError(path, "", rule)
    if unfrozen := [node.name for node in graph.node if node.op in ("VariableV2", "VarHandleOp")]:
        raise FormatError(path, "", f"not frozen: {unfrozen[0]} is a variable; see freeze_graph.py")
    wrapped = tf.compat.v1.wrap_function(lambda: tf.graph_util.import_graph_def(graph, name=""), [])
    return wrapped.prune(f"{INPUT}:0", f"{OUTPUT}:0")
