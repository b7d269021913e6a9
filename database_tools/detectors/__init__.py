"""Detectors: TensorFlow graphs, YOLO in ONNX files, and results that somebody computed before.

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

_OTHERS = {".pt", ".pth", ".tflite", ".torchscript"}


def open(path: Path, batch_size: int = BATCH_SIZE) -> Detector:
    """Open a detector by what lies at ``path``.

    Args:
        path: a frozen graph (``.pb``) with the tensor names of the TensorFlow Object Detection
            API, the folder of a SavedModel made by that API or by TF-Vision, or an ONNX file
            (``.onnx``) of a YOLO detector.
        batch_size: most pictures to compute together; 1 where the graph takes one only.

    Raises:
        UserError: if there is nothing, something that is no graph, or a graph that is no
            detector; the message says what was found.
    """
    if not path.exists():
        raise UserError(f"{path}: no such detector file or SavedModel folder")
    if path.suffix.lower() in _OTHERS:
        raise UserError(
            f"{path}: neither a TensorFlow graph nor ONNX; export it to ONNX, or run this detector "
            "with its own tool and pass the JSON that it writes with --use_detection_file"
        )
    if path.suffix.lower() == ".onnx":
        from database_tools.detectors import onnx_yolo

        return onnx_yolo.load(path, batch_size)
    if path.is_file() and path.name != "saved_model.pb":
        from database_tools.detectors import frozen_graph

        return frozen_graph.load(path, batch_size)
    from database_tools.detectors import saved_model

    return saved_model.load(path if path.is_dir() else path.parent, batch_size)
