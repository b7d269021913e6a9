"""RandAugment with Keras' layers, each picture with its own operations and its own seed.

``keras.layers.RandAugment`` computes all eleven operations of which it uses two, draws them once
for a whole batch, and keeps the state of its random numbers in variables, which an exact resume
could not restore.  Here a picture's operations depend on its seed alone, and only those drawn
are computed.

Source: Cubuk et al. 2020, "RandAugment: Practical automated data augmentation".
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf

OPERATIONS = (
    "random_shear",
    "random_translation",
    "random_rotation",
    "random_brightness",
    "random_color_degeneration",
    "random_contrast",
    "random_sharpness",
    "random_posterization",
    "solarization",
    "auto_contrast",
    "equalization",
)
"""The layers that ``keras.layers.RandAugment`` holds."""


class _Seed(keras.random.SeedGenerator):
    """Gives Keras one seed after the other from a tensor, and has no variable."""

    def __init__(self, seed: tf.Tensor) -> None:
        # Not Keras' own constructor: it makes the variable.
        self._seed = seed
        self._given = 0

    def next(self, ordered: bool = True) -> tf.Tensor:
        self._given += 1
        return self._seed + self._given


class RandAugment:
    """Changes one picture by operations drawn at random."""

    def __init__(self, operations: int, size: int) -> None:
        self._number = operations
        # Pictures stay in single precision, whatever the network computes in.
        self._layers = keras.layers.RandAugment(
            value_range=(0, 255), num_ops=operations, dtype="float32"
        )
        self._layers.build((1, size, size, 3))

    def __call__(self, image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Apply the operations that ``seed``, (2,) int32, stands for.

        Args:
            image: (size, size, 3) float32 in [0, 255].
            seed: at least 0 each.

        Returns:
            Same shape, type and range.
        """
        chosen = tf.random.stateless_uniform((self._number,), seed, 0, len(OPERATIONS), tf.int32)
        batch = image[None]
        for i in range(self._number):
            batch = tf.switch_case(chosen[i], self._branches(batch, seed + 1000 * (i + 1)))
        return tf.ensure_shape(tf.clip_by_value(batch[0], 0, 255), image.shape)

    def _branches(self, batch: tf.Tensor, seed: tf.Tensor) -> list[Callable[[], tf.Tensor]]:
        # A seed for each branch: a graph traces them all, one after the other.
        return [
            lambda name=name: self._apply(name, batch, _Seed(seed))  # type: ignore[misc]
            for name in OPERATIONS
        ]

    def _apply(self, name: str, batch: tf.Tensor, seed: _Seed) -> tf.Tensor:
        layer = getattr(self._layers, name)
        drawn = layer.get_random_transformation(batch, training=True, seed=seed)
        return layer.transform_images(batch, drawn, training=True)
