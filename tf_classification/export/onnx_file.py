"""ONNX files, and ONNX Runtime to run them."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from tf_classification.export import frozen
from tf_classification.models.quiet import quiet
from tf_classification.models.signatures import Loaded

Pixels = npt.NDArray[np.float32]
Logits = npt.NDArray[np.float32]

OUTPUT = "logits"
_OPSET = 17


def convert(network: keras.Model | Loaded) -> bytes:
    """Convert: ``pixels`` (N, side, side, 3) float32 0..255 to ``logits`` (N, labels)."""
    import tf2onnx

    graph = frozen.freeze_network(network)
    given, taken = graph.outputs[0].name, f"{frozen.INPUT}:0"
    with quiet():
        model, _ = tf2onnx.convert.from_graph_def(
            graph.graph.as_graph_def(),
            input_names=[taken],
            output_names=[given],
            opset=_OPSET,
            tensors_to_rename={taken: frozen.INPUT, given: OUTPUT},
        )
    return bytes(model.SerializeToString())


class OnnxRunner:
    """Runs a file on the CPU."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        self._session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def __call__(self, pixels: Pixels) -> Logits:
        """Turn (N, side, side, 3) float32 0..255 into logits (N, labels)."""
        return np.asarray(self._session.run([OUTPUT], {frozen.INPUT: pixels})[0])
