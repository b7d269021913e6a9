"""Frozen graphs: weights as constants, the form that is fast on a CPU and that converters read.

Converters given a SavedModel with variables write empty models or fail (LiteRT, OpenVINO), and a
frozen graph is a third faster than the SavedModel at batch 16, so every other format and the
server start here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

Answer = dict[str, tf.Tensor]


def freeze(function: tf.types.experimental.ConcreteFunction) -> Callable[[tf.Tensor], Answer]:
    """Turn a signature of a SavedModel with one input into a frozen function.

    Returns:
        a function of that input, by position, to the signature's outputs by name.
    """
    frozen = convert_to_constants.convert_variables_to_constants_v2(function)
    # freezing forgets the names; tf.nest flattens a dictionary in the order of its sorted keys
    names = sorted(function.structured_outputs)

    def call(value: tf.Tensor) -> Answer:
        return dict(zip(names, frozen(value), strict=True))

    return call


def freeze_signature(folder: Path, signature: str) -> Callable[[tf.Tensor], Answer]:
    """Load a SavedModel and freeze one of its signatures."""
    loaded = tf.saved_model.load(folder)  # its variables must live until they are constants
    return freeze(loaded.signatures[signature])


def freeze_network(
    network: keras.Model, batch_size: int | None
) -> tf.types.experimental.ConcreteFunction:
    """Freeze a network alone: ``pixels`` (N, side, side, 3) float32 0..255 to ``logits``.

    Args:
        network: any network of the table.
        batch_size: N, or None for any; some formats want it fixed.
    """
    shape = (batch_size, *network.input_shape[1:])

    def logits(pixels: tf.Tensor) -> Answer:
        return {"logits": network(pixels, training=False)}

    spec = tf.TensorSpec(shape, tf.float32, name="pixels")
    return convert_to_constants.convert_variables_to_constants_v2(
        tf.function(logits).get_concrete_function(spec)
    )
