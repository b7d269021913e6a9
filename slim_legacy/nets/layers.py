"""The layers that TF-slim's networks are made of, with TF-slim's names and arithmetic.

A variable's Keras path is its slim name, because layers are built inside their parents:

    InceptionV4/Mixed_5b/Branch_0/Conv2d_0a_1x1/weights            (1, 1, 384, 96)
    InceptionV4/Mixed_5b/Branch_0/Conv2d_0a_1x1/BatchNorm/beta     (96,)

Shapes are images' (height, width, channels); every layer is told its input's when it is built.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import keras
import tensorflow as tf

BATCH_NORM_DECAY = 0.9997
BATCH_NORM_EPSILON = 0.001
DROPOUT_KEEP = 0.8

Shape = tuple[int, int, int]
Step: TypeAlias = keras.layers.Layer | tuple[keras.layers.Layer, ...]


def _windows(size: int, window: int, stride: int, padding: str) -> int:
    """Number of places of a sliding window along one side."""
    return -(-size // stride) if padding == "SAME" else (size - window) // stride + 1


class TooSmall(ValueError):  # noqa: N818
    """An image that shrinks to nothing on its way through the network."""


def _output(
    shape: Shape, window: tuple[int, int], stride: int, padding: str, filters: int
) -> Shape:
    height, width = (
        _windows(side, by, stride, padding) for side, by in zip(shape[:2], window, strict=True)
    )
    if min(height, width) < 1:
        raise TooSmall(
            f"an image of {shape[0]}x{shape[1]} meets a window of {window[0]}x{window[1]}"
        )
    return height, width, filters


class BatchNorm(keras.layers.Layer):
    """Batch normalisation without gamma, by the fused kernel that TensorFlow 1 used.

    Training takes the statistics of the batch and moves ``moving_mean`` and
    ``moving_variance`` (the unbiased variance, as TensorFlow 1 did) whether or not ``beta`` is
    trained: a frozen network is frozen by leaving its variables out of the gradient.
    With several clones the statistics of the first one count, as in TF-slim.
    """

    def __init__(self) -> None:
        super().__init__(name="BatchNorm")

    def build(self, shape: Shape) -> None:
        """Make beta and the two moving statistics, each (channels,)."""
        size = shape[-1:]
        self.beta = self.add_weight(shape=size, initializer="zeros", name="beta")
        frozen: dict[str, Any] = {"trainable": False, "aggregation": "only_first_replica"}
        self.moving_mean = self.add_weight(
            shape=size, initializer="zeros", name="moving_mean", **frozen
        )
        self.moving_variance = self.add_weight(
            shape=size, initializer="ones", name="moving_variance", **frozen
        )
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalise (B, height, width, channels)."""
        statistics = (
            {} if training else {"mean": self.moving_mean, "variance": self.moving_variance}
        )
        y, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            x,
            tf.ones_like(self.beta),
            self.beta,
            epsilon=BATCH_NORM_EPSILON,
            is_training=training,
            **{name: tf.convert_to_tensor(value) for name, value in statistics.items()},
        )
        if training:
            self._move(self.moving_mean, mean)
            self._move(self.moving_variance, variance)
        return y

    @staticmethod
    def _move(moving: keras.Variable, value: tf.Tensor) -> None:
        moving.assign(moving - (moving - value) * (1 - BATCH_NORM_DECAY))


class Conv(keras.layers.Layer):
    """Convolution without bias, batch normalisation, ReLU.

    The kernel's size is the end of the name (``Conv2d_0b_1x7``: height 1, width 7); a name
    without one is a kernel as large as the map that it meets.
    """

    def __init__(self, name: str, filters: int, stride: int = 1, padding: str = "SAME") -> None:
        super().__init__(name=name)
        self.filters, self.stride, self.padding = filters, stride, padding
        self.normalise = BatchNorm()

    def build(self, shape: Shape) -> None:
        """Make ``weights``: (height, width, in, out)."""
        named = re.fullmatch(r".+_(\d+)x(\d+)", self.name)
        kernel = (int(named[1]), int(named[2])) if named else shape[:2]
        self.output_size = _output(shape, kernel, self.stride, self.padding, self.filters)
        self.w = self.add_weight(
            shape=(*kernel, shape[-1], self.filters),
            initializer=keras.initializers.VarianceScaling(2.0, "fan_in", "truncated_normal"),
            name="weights",
        )
        self.normalise.build(self.output_size)
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Map (B, height, width, in) to (B, height', width', out)."""
        x = tf.nn.conv2d(x, tf.convert_to_tensor(self.w), self.stride, self.padding)
        return tf.nn.relu(self.normalise(x, training=training))


class Pool(keras.layers.Layer):
    """Maximum or average of windows; a SAME average leaves the padding out of its divisor."""

    def __init__(self, name: str, kind: str, window: int, stride: int, padding: str) -> None:
        super().__init__(name=name)
        self.kind, self.window, self.stride, self.padding = kind, window, stride, padding

    def build(self, shape: Shape) -> None:
        """Nothing to make; the size of the output is what the next layer is built for."""
        window = (self.window, self.window)
        self.output_size = _output(shape, window, self.stride, self.padding, shape[-1])
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Pool (B, height, width, channels)."""
        return tf.nn.pool(x, [self.window] * 2, self.kind, [self.stride] * 2, self.padding)


class Chain(keras.layers.Layer):
    """Layers one after another, in a scope of their own.

    A step that is a tuple of layers puts them side by side on the same input and joins their
    channels in order.
    """

    def __init__(self, name: str, steps: Sequence[Step]) -> None:
        super().__init__(name=name)
        self.steps = [step if isinstance(step, tuple) else (step,) for step in steps]

    def build(self, shape: Shape) -> None:
        """Build each layer for what the step before it gives."""
        for step in self.steps:
            for layer in step:
                layer.build(shape)
            sizes = [layer.output_size for layer in step]
            shape = (*sizes[0][:2], sum(size[-1] for size in sizes))
        self.output_size = shape
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Go through the steps."""
        for step in self.steps:
            outputs = [layer(x, training=training) for layer in step]
            x = outputs[0] if len(outputs) == 1 else tf.concat(outputs, axis=-1)
        return x


class Linear(keras.layers.Layer):
    """Flattens and multiplies: ``weights`` (in, out), ``biases`` (out,), no activation."""

    def __init__(self, name: str, outputs: int) -> None:
        super().__init__(name=name)
        self.outputs = outputs

    def build(self, shape: Shape) -> None:
        """Make the two variables."""
        self.inputs = math.prod(shape)
        self.w = self.add_weight(
            shape=(self.inputs, self.outputs), initializer="glorot_uniform", name="weights"
        )
        self.b = self.add_weight(shape=(self.outputs,), initializer="zeros", name="biases")
        self.output_size = (1, 1, self.outputs)
        self.built = True

    def call(self, x: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Map (B, height, width, channels) or (B, in) to (B, out)."""
        flat = tf.reshape(x, [-1, self.inputs])
        return tf.matmul(flat, tf.convert_to_tensor(self.w)) + tf.convert_to_tensor(self.b)


def classify(features: tf.Tensor, head: Chain, training: bool) -> dict[str, tf.Tensor]:
    """End every network: mean over the map, dropout, fully connected layer, softmax.

    Args:
        features: (B, height, width, channels).
        head: ends with a ``Linear``.
        training: whether to drop units (by TensorFlow's global seed).

    Returns:
        End points ``global_pool`` (B, 1, 1, channels), ``PreLogitsFlatten`` (B, channels),
        ``Logits`` and ``Predictions`` (B, classes).
    """
    pooled = tf.reduce_mean(features, axis=[1, 2], keepdims=True)
    flat = tf.squeeze(pooled, axis=[1, 2])
    logits = head(tf.nn.dropout(flat, 1 - DROPOUT_KEEP) if training else flat)
    return {
        "global_pool": pooled,
        "PreLogitsFlatten": flat,
        "Logits": logits,
        "Predictions": tf.nn.softmax(logits),
    }
