"""What TensorBoard shows of a training run, under the original's names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from tensorboard.plugins.histogram import metadata

_PICTURES = 3
_BUCKETS = 30
_ACTIVE = 8
"""Pictures whose activations are shown: all end points of 32 would take more than 1 GB."""


class Summaries:
    """The event file of a training run: scalars, activations, and histograms of variables."""

    def __init__(
        self, folder: Path, network: keras.Model, variables: Mapping[str, tf.Variable]
    ) -> None:
        self._writer = tf.summary.create_file_writer(str(folder))
        self._network = network
        self._variables = dict(variables)

    def write(self, step: int, numbers: Mapping[str, float], images: tf.Tensor) -> None:
        """Write scalars, input pictures, activations and variables of a step.

        Args:
            step: the global step.
            numbers: scalars by name, e.g. ``learning_rate``.
            images: (B, S, S, 3) in [-1, 1]: the batch of the first clone.
        """
        with self._writer.as_default(step):
            for name, number in numbers.items():
                tf.summary.scalar(name, number)
            tf.summary.image("input", (images + 1) / 2, max_outputs=_PICTURES)
            for name, values in self._activations(images[:_ACTIVE]).items():
                _histogram(f"activations/{name}", values)
                tf.summary.scalar(f"sparsity/{name}", tf.math.zero_fraction(values))
            for name, variable in self._variables.items():
                _histogram(name, variable.read_value())
        self._writer.flush()

    def close(self) -> None:
        """End the event file."""
        self._writer.close()

    def _activations(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """The end points in training mode, without a trace of this in the moving statistics."""
        statistics = {n: v for n, v in self._variables.items() if "/moving_" in n}
        before = {name: tf.identity(variable) for name, variable in statistics.items()}
        points: dict[str, tf.Tensor] = self._network(images, training=True)
        for name, variable in statistics.items():
            variable.assign(before[name])
        return points


def _histogram(name: str, values: tf.Tensor) -> None:
    """Write a histogram of the finite values as TensorBoard's plugin reads it.

    ``tf.summary.histogram`` makes 240 bytes of each value on the way: more than 1 GB for the
    first layer of Inception V4.
    """
    numbers = values.numpy().ravel()
    counts, edges = np.histogram(numbers[np.isfinite(numbers)], _BUCKETS)
    rows = np.stack([edges[:-1], edges[1:], counts], axis=1).astype(np.float64)
    tf.summary.write(name, rows, metadata=metadata.create_summary_metadata(None, None))
