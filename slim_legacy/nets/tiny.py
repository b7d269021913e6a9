"""A network of some thousand numbers with the parts of Inception V4: for trying a recipe.

It has stem, branches, auxiliary head and main head under the same kinds of names
(``Tiny/AuxLogits``, ``Tiny/Logits``), takes 32 x 32 pixels, and trains in seconds on a laptop.
Its accuracy is nothing to speak of.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from slim_legacy.nets.layers import Chain, Conv, Linear, Pool, Shape, classify

SCOPE = "Tiny"


class Tiny(keras.Model):
    """The network; calls and end points as ``InceptionV4``'s."""

    def __init__(self, num_classes: int, image_size: int) -> None:
        super().__init__(name=SCOPE)
        self.image_size = image_size
        self.stem = Conv("Conv2d_1a_3x3", 8, stride=2)
        average = Pool("AvgPool_0a_3x3", "AVG", 3, 1, "SAME")
        branches = (
            Chain("Branch_0", [Conv("Conv2d_0a_3x3", 8, stride=2)]),
            Chain("Branch_1", [average, Conv("Conv2d_0b_1x1", 8, stride=2)]),
        )
        self.mixed = Chain("Mixed_2a", [branches])
        self.aux = Chain("AuxLogits", [Linear("Aux_logits", num_classes)])
        self.last = Conv("Conv2d_3a_3x3", 16)
        self.head = Chain("Logits", [Linear("Logits", num_classes)])
        self.build((None, image_size, image_size, 3))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make every variable under its slim name."""
        shape: Shape = (self.image_size, self.image_size, 3)
        for layer in (self.stem, self.mixed, self.last):
            layer.build(shape)
            shape = layer.output_size
        self.aux.build(self.mixed.output_size)
        self.head.build((1, 1, shape[-1]))
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Return the end points of (B, image_size, image_size, 3) float32 in [-1, 1]."""
        stem = self.stem(images, training=training)
        mixed = self.mixed(stem, training=training)
        last = self.last(mixed, training=training)
        points = {"Conv2d_1a_3x3": stem, "Mixed_2a": mixed, "AuxLogits": self.aux(mixed)}
        return points | {"Conv2d_3a_3x3": last} | classify(last, self.head, training)
