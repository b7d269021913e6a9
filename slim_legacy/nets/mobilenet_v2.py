"""MobileNetV2 1.4 from keras.applications, with the calls and scopes of the slim networks.

Its variables carry Keras's names below ``MobilenetV2/`` (``MobilenetV2/Conv1/kernel``): TF-slim's
own MobileNet checkpoints are laid out otherwise and are not read.
"""

from __future__ import annotations

import keras
import tensorflow as tf

from slim_legacy.nets.layers import Chain, Linear, classify

SCOPE = "MobilenetV2"
WIDTH = 1.4


class MobilenetV2(keras.Model):
    """The network; ``Logits`` but no auxiliary head."""

    def __init__(self, num_classes: int, image_size: int) -> None:
        super().__init__(name=SCOPE)
        self.image_size = image_size
        self.num_classes = num_classes
        self.build((None, image_size, image_size, 3))

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the backbone and the head inside this model's scope."""
        self.backbone = keras.applications.MobileNetV2(
            input_shape=(self.image_size, self.image_size, 3),
            alpha=WIDTH,
            include_top=False,
            weights=None,
        )
        self.head = Chain("Logits", [Linear("Logits", self.num_classes)])
        self.head.build((1, 1, self.backbone.output_shape[-1]))
        self.built = True

    def call(self, images: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Return the end points of (B, image_size, image_size, 3) float32 in [-1, 1]."""
        return classify(self.backbone(images, training=training), self.head, training)
