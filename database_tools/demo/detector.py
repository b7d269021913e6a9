"""The demo world's detector as a frozen graph with the TF Object Detection API's tensor names.

It knows the demo world and nothing else.  Its weights lie beside this file in float16; the graph is
made on demand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from database_tools.demo import network
from database_tools.durable import files

WEIGHTS = Path(__file__).with_name("detector_weights.npz")
MAX_DETECTIONS = 100
_SAME_ANIMAL = 0.45  # boxes that overlap more are taken for one animal
_LOWEST = 0.005

Weights = Mapping[str, npt.NDArray[np.float16]]


def freeze(path: Path) -> None:
    """Write the detector to ``path``.

    Tensors: ``image_tensor:0`` uint8 (B, H, W, 3) of any size; ``detection_boxes:0`` float32
    (B, 100, 4) rows (ymin, xmin, ymax, xmax) in [0, 1]; ``detection_scores:0`` (B, 100), sorted;
    ``detection_classes:0`` (B, 100), 1 = animal; ``num_detections:0`` (B).  Its operating point is
    a score of 0.5.
    """
    with np.load(WEIGHTS) as archive:
        weights = {name: archive[name] for name in archive.files}
    graph = tf.Graph()
    with graph.as_default():
        images = tf.compat.v1.placeholder(tf.uint8, (None, None, None, 3), name="image_tensor")
        for name, tensor in detect(images, weights, float(weights["threshold"])).items():
            tf.identity(tensor, name=name)
    files.write_bytes(path, graph.as_graph_def().SerializeToString(deterministic=True))


def detect(images: Any, weights: Weights, threshold: float) -> dict[str, Any]:
    """Return the four outputs that ``freeze`` describes, of (B, H, W, 3) uint8.

    ``threshold`` is the network's score that becomes 0.5.
    """
    small = tf.image.resize(tf.cast(images, tf.float32), (network.HEIGHT, network.WIDTH))
    heat, edges = network.heads(small / 127.5 - 1, _Convolutions(weights), _enlarge)
    shifted = tf.sigmoid(heat - float(np.log(threshold / (1 - threshold))))
    # A cell counts if no neighbour is hotter.
    peaks = tf.where(heat >= tf.nn.max_pool2d(heat, 3, 1, "SAME"), shifted, tf.zeros_like(shifted))
    boxes, scores, _, number = tf.image.combined_non_max_suppression(
        tf.reshape(_boxes(edges), (tf.shape(heat)[0], -1, 1, 4)),
        tf.reshape(peaks, (tf.shape(heat)[0], -1, 1)),
        max_output_size_per_class=MAX_DETECTIONS,
        max_total_size=MAX_DETECTIONS,
        iou_threshold=_SAME_ANIMAL,
        score_threshold=_LOWEST,
    )
    return {
        "detection_boxes": boxes,
        "detection_scores": scores,
        "detection_classes": tf.ones_like(scores),
        "num_detections": tf.cast(number, tf.float32),
    }


def _boxes(edges: Any) -> Any:
    """Turn logarithms of distances into (B, 32, 40, 4) corners (ymin, xmin, ymax, xmax)."""
    rows, columns = edges.shape[1], edges.shape[2]
    y, x = np.mgrid[:rows, :columns].astype(np.float32) + 0.5
    left, up, right, down = tf.unstack(tf.exp(tf.clip_by_value(edges, -4, 4)), axis=-1)
    corners = [(y - up) / rows, (x - left) / columns, (y + down) / rows, (x + right) / columns]
    return tf.clip_by_value(tf.stack(corners, axis=-1), 0, 1)


class _Convolutions:
    """Convolutions with the weights as constants of the graph."""

    def __init__(self, weights: Weights):
        self._weights = weights

    def __call__(
        self,
        name: str,
        x: Any,
        filters: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        relu: bool = True,
    ) -> Any:
        # Constants stay float16 in the file and are widened when the graph runs.
        weights, bias = (self._weights[f"{name}/{part}"] for part in ("kernel", "bias"))
        if weights.shape[:2] != (kernel, kernel) or weights.shape[3] != filters:
            raise ValueError(f"{name}: weights of shape {weights.shape} are another network's")
        y = tf.nn.conv2d(x, tf.cast(tf.constant(weights), tf.float32), stride, "SAME")
        y = y + tf.cast(tf.constant(bias), tf.float32)
        return tf.nn.relu(y) if relu else y


def _enlarge(x: Any) -> Any:
    return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
