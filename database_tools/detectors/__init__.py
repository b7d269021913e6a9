"""Detectors: TensorFlow graphs and saved models, and results that somebody computed before.

detector = detectors.open(Path("md_v4.1.0.pb"))
detector.check()
[found] = detector.detect([imaging.load("elk.jpg")])
"""

from __future__ import annotations

from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.detectors.detector import Detector, Image

__all__ = ["BATCH_SIZE", "Detector", "Image", "open"]

BATCH_SIZE = 8
"""Pictures computed together: enough to keep two cores busy, few enough for 12 megapixels."""

_PYTORCH = {".pt", ".pth", ".onnx", ".tflite", ".torchscript"}


def open(path: Path, batch_size: int = BATCH_SIZE) -> Detector:
    """Open a TensorFlow detector by what lies at ``path``.

    Args:
        path: a frozen graph (``.pb``) with the tensor names of the TensorFlow Object Detection
            API, or the folder of a SavedModel made by that API or by TF-Vision.
        batch_size: most pictures to compute together; 1 where the graph takes one only.

    Raises:
        UserError: if there is nothing, something that is no graph, or a graph that is no
            detector; the message says what was found.
    """
    if not path.exists():
        raise UserError(f"{path}: no such detector file or SavedModel folder")
    if path.suffix.lower() in _PYTORCH:
        raise UserError(
            f"{path}: not a TensorFlow graph; run this detector with its own tool and pass the "
            "JSON that it writes with --use_detection_file"
        )
    if path.is_file() and path.name != "saved_model.pb":
        from database_tools.detectors import frozen_graph

        return frozen_graph.load(path, batch_size)
    from database_tools.detectors import saved_model

    return saved_model.load(path if path.is_dir() else path.parent, batch_size)
