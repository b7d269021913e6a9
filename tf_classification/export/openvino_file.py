"""OpenVINO files (``.xml`` and ``.bin``), and OpenVINO to run them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from tf_classification.export import frozen
from tf_classification.models.signatures import Loaded

Pixels = npt.NDArray[np.float32]
Logits = npt.NDArray[np.float32]


def convert(network: keras.Model | Loaded, xml: Path) -> None:
    """Write ``xml`` and its ``.bin``: (N, side, side, 3) float32 0..255 to logits (N, labels)."""
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "frozen.pb"  # it reads frozen graphs from files only
        graph.write_bytes(frozen.freeze_network(network).graph.as_graph_def().SerializeToString())
        # float32 weights: half precision would halve the file and change the answers
        openvino.save_model(openvino.convert_model(graph), xml, compress_to_fp16=False)


class OpenVinoRunner:
    """Runs a file on the CPU, in float32: OpenVINO takes bfloat16 by itself, with 1e-2 errors."""

    def __init__(self, path: Path) -> None:
        import openvino

        precision = {"INFERENCE_PRECISION_HINT": "f32"}
        self._model = openvino.Core().compile_model(path, "CPU", precision)

    def __call__(self, pixels: Pixels) -> Logits:
        """Turn (N, side, side, 3) float32 0..255 into logits (N, labels)."""
        return np.array(self._model(pixels)[0])
