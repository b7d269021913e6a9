"""From a slim checkpoint to a model bundle of ``tf_classification``, for serving and predictions.

The bundle's SavedModel does with bytes what slim's evaluation does: decode, central 0.875, the
bilinear of TensorFlow 1. Its network takes pixels in 0..255 as all bundles do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import tensorflow as tf

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from slim_legacy.nets import nets_factory
from slim_legacy.preprocessing import inception
from slim_legacy.training import checkpoints, moving_averages
from tf_classification.models import bundle
from tf_classification.models.description import RESIZE_SLIM, Description


class RawPixels(keras.Model):
    """A slim network that takes RGB in 0..255 and gives what bundles hold."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__(name="raw_pixels")
        self.network = network
        self.built = True

    def call(self, pixels: tf.Tensor, training: bool = False) -> dict[str, tf.Tensor]:
        """Map (B, S, S, 3) float32 in 0..255 to (B, classes) and averaged features (B, F)."""
        points = self.network(pixels / 127.5 - 1, training=training)
        return {"logits": points["Logits"], "features": points["PreLogitsFlatten"]}


def decode(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Prepare an encoded picture as slim's evaluation does: (size, size, 3) float32 in 0..255."""
    return (inception.for_evaluation(encoded, size) + 1) * 127.5


def restore(
    model_name: str, num_classes: int, image_size: int | None, path: str, averages: bool
) -> keras.Model:
    """Build a network and load a checkpoint into it, or the moving averages in it."""
    network = nets_factory.build(model_name, num_classes, image_size)
    suffix = moving_averages.SUFFIX if averages else ""
    variables = {n + suffix: v.value for n, v in nets_factory.variables(network).items()}
    checkpoints.restore(checkpoints.find(path), variables)
    return network


def write(
    base: Path,
    network: keras.Model,
    model_name: str,
    labels: Sequence[str],
    recipe: CropRecipe | None = None,
) -> Path:
    """Write a bundle and return its folder.

    Raises:
        UserError: if names are repeated, or are not as many as the network has outputs.
    """
    outputs = nets_factory.num_classes(network)
    if len(labels) != outputs:
        raise UserError(f"the class list has {len(labels)} names, the network {outputs} outputs")
    if repeated := [name for name in labels if labels.count(name) > 1]:
        raise UserError(f"the class list has {repeated[0]!r} more than once")
    described = Description(
        labels=tuple(labels),
        network=f"slim/{model_name}",
        image_size=network.image_size,
        crop_recipe=recipe,
        resize=RESIZE_SLIM,
    )
    return bundle.write_network(base, RawPixels(network), described, decode=decode).path
