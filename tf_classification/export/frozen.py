"""A network alone as a frozen graph: what every converter reads.

Converters given a SavedModel with variables write empty models or fail (LiteRT, OpenVINO).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from tf_classification.models.signatures import Loaded, with_features

INPUT = "pixels"


def freeze_network(
    network: keras.Model | Loaded, batch_size: int | None = None, *, features: bool = False
) -> tf.types.experimental.ConcreteFunction:
    """Freeze a network alone: ``pixels`` (N, side, side, 3) float32 0..255 to logits.

    Its preprocessing is done on rows of pixels instead of on single ones.  The numbers are the
    same, but XNNPACK, which LiteRT computes with, takes three channels a call: on EfficientNet-B0
    in int8 that was a seventh of all its time.

    Args:
        network: any network of the table; or one of a bundle's signatures, whose preprocessing
            stays as it is.
        batch_size: N, or None for any; LiteRT is faster with a fixed one.
        features: give those averaged over the picture as well, second, if the network has them.
    """
    if isinstance(network, Loaded):
        return _freeze(network, batch_size, network.image_size, features)
    side = network.input_shape[1]
    scale, offset, rest = _split_preprocessing(network)
    scales, offsets = np.tile(scale, side), np.tile(offset, side)
    whole = with_features(rest)

    def outputs(pixels: tf.Tensor) -> dict[str, tf.Tensor] | tf.Tensor:
        rows = tf.reshape(pixels, (-1, side, side * 3)) * scales + offsets
        return whole(tf.reshape(rows, (-1, side, side, 3)), training=False)

    return _freeze(outputs, batch_size, side, features)


def _freeze(
    outputs: Callable[[tf.Tensor], Any], batch_size: int | None, side: int, features: bool
) -> tf.types.experimental.ConcreteFunction:
    names = ("logits", "features") if features else ("logits",)

    def chosen(pixels: tf.Tensor) -> list[tf.Tensor]:
        answer = outputs(pixels)
        if not isinstance(answer, dict):
            return [answer]
        return [answer[name] for name in names if name in answer]

    spec = tf.TensorSpec((batch_size, side, side, 3), tf.float32, name=INPUT)
    return convert_to_constants.convert_variables_to_constants_v2(
        tf.function(chosen).get_concrete_function(spec)
    )


def _split_preprocessing(network: keras.Model) -> tuple[Any, Any, keras.Model]:
    """Take scale and offset of each channel, (3,) float32, off the front of a network."""
    kinds = keras.layers.Rescaling | keras.layers.Normalization
    first = [layer.name for layer in network.layers if isinstance(layer, kinds)]

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name in first:
            return keras.layers.Identity(name=layer.name)
        return type(layer).from_config(layer.get_config())

    rest = keras.models.clone_model(network, clone_function=clone)
    black, white = np.zeros((1, 1, 1, 3), np.float32), np.ones((1, 1, 1, 3), np.float32)
    for layer in network.layers:
        if layer.name in first:
            black, white = layer(black), layer(white)
        else:
            rest.get_layer(layer.name).set_weights(layer.get_weights())
    offset = np.ravel(black)
    return np.ravel(white) - offset, offset, rest
