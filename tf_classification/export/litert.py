"""LiteRT (TensorFlow Lite) files, in float and in int8.

They take one picture at a time: a graph with a fixed batch of one is given to XNNPACK whole, one
that leaves the batch open is cut in pieces, and larger batches are no faster.
``predictor.litert`` runs them.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_classification.export import frozen
from tf_classification.models.quiet import quiet
from tf_classification.models.signatures import Loaded
from tf_classification.predictor.litert import LiteRTRunner

Pixels = npt.NDArray[np.float32]


def convert(network: keras.Model | Loaded) -> bytes:
    """Convert to float32: ``pixels`` (1, side, side, 3) 0..255 to logits (1, labels).

    A second output is what the last layer sees, features (1, F), where the network has them.
    """
    return _convert(_converter(network))


def convert_int8(network: keras.Model | Loaded, crops: Pixels) -> bytes:
    """Convert to whole int8 arithmetic; input and outputs stay float32.

    Rounding shifts each label's logit by some hundredths on average.  The shift is measured on
    the crops and taken off the last layer's bias: on the demo world this gave back half of the
    accuracy that int8 costs.

    Args:
        network: what to convert; its last layer is named ``predictions``.  One of a bundle's
            signatures is left as rounding shifts it, since its last layer cannot be reached.
        crops: (N, side, side, 3) float32 0..255, typical ones: the ranges of all activations are
            taken from them.  Some hundred are enough.

    Source: Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
    Correction", section 4.2, for the last layer.
    """
    first = _quantize(network, crops)
    if isinstance(network, Loaded):
        return first
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "first.tflite"
        path.write_bytes(first)
        rounded = LiteRTRunner(path)(crops)
    exact = np.concatenate([network(crop[None], training=False) for crop in crops])
    last = network.get_layer("predictions")
    kernel, bias = last.get_weights()
    try:
        last.set_weights([kernel, bias - (rounded - exact).mean(axis=0)])
        return _quantize(network, crops)
    finally:
        last.set_weights([kernel, bias])


def _quantize(network: keras.Model | Loaded, crops: Pixels) -> bytes:
    converter = _converter(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: ([crop[None]] for crop in crops)
    return _convert(converter)


def _converter(network: keras.Model | Loaded) -> Any:
    graph = frozen.freeze_network(network, batch_size=1, features=True)
    # given the object that has the variables, it would put the outputs in an order of its own
    return tf.lite.TFLiteConverter.from_concrete_functions([graph], graph)


def _convert(converter: Any) -> bytes:
    with quiet(), warnings.catch_warnings():
        # "Statistics for quantized inputs were expected": they stay float on purpose
        warnings.simplefilter("ignore", UserWarning)
        return bytes(converter.convert())
