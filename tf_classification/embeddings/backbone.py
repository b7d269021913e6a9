"""A network without its last layer: from crops to averaged features."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from database_tools.core.errors import UserError
from tf_classification.embeddings.store import Facts
from tf_classification.models import frozen, networks, signatures, weights
from tf_classification.models.bundle import Bundle
from tf_classification.models.description import Description
from tf_classification.models.table import NETWORKS
from tf_classification.predictor import preparation
from tf_classification.predictor.predictor import Floats, Levels, Pictures, Predictor

NOBODY = ("nobody",)
"""Labels of a network that has learnt none of the user's."""


class Backbone(Predictor):
    """A network of the table that gives features.

    Attributes:
        network: with a last layer, whose weights do not count.
        description: of the bundle that it is from, or of the network alone.
        width: number of features F.
    """

    def __init__(self, path: Path, network: keras.Model, description: Description) -> None:
        super().__init__(path, (), description.image_size, description.crop_recipe)
        self.network, self.description = network, description
        with_features = signatures.with_features(network)
        self.width = int(with_features.output["features"].shape[-1])
        side = description.image_size
        pixels = tf.TensorSpec([None, side, side, 3], tf.float32)
        traced = tf.function(lambda rows: with_features(rows, training=False))
        self._call = frozen.freeze(traced.get_concrete_function(pixels))

    def _pixels(self, encoded: bytes) -> Levels:
        return preparation.prepare(encoded, self.description)

    def of_pixels(self, pixels: Pictures) -> Floats:
        """Refuse: there are no labels."""
        raise UserError(f"{self.path} is a network without labels: it gives features only")

    def features(self, pixels: Pictures) -> Floats:
        """Return the averaged features (N, F) of (N, side, side, 3) 0..255."""
        answer = self._call(tf.constant(np.asarray(pixels, np.float32)))
        return answer["features"].numpy()

    def weights_digest(self) -> str:
        """Return the SHA-256 of the weights of all layers but the last."""
        digest = hashlib.sha256()
        for layer in self.network.layers:
            for array in layer.get_weights() if layer.name != weights.LAST else ():
                digest.update(f"{layer.name} {array.shape} {array.dtype}".encode())
                digest.update(array.tobytes())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write ``.weights.h5`` of all layers but the last."""
        save(self.network, path)


def save(network: keras.Model, path: Path) -> None:
    """Write ``.weights.h5`` of all layers of a network but the last."""
    weights.save(_below(network), path)


def restored(facts: Facts, path: Path) -> keras.Model:
    """Build the network of embeddings, with a last layer of one output that has learnt nothing.

    Args:
        facts: of the embeddings.
        path: that ``save`` wrote.
    """
    size, padding = facts.image_size, facts.conv_padding
    described = Description(NOBODY, facts.network, size, padding, facts.views)
    network = signatures.build_network(described)
    try:
        weights.fill(_below(network), path)
    except (ValueError, OSError, KeyError) as error:
        raise UserError(f"{path} does not fit: {str(error).splitlines()[0]}") from None
    return network


def _below(network: keras.Model) -> keras.Model:
    return keras.Model(network.input, network.get_layer(networks.POOLED).output)


def of_bundle(opened: Bundle) -> Backbone:
    """Open the network of a bundle, for one view; raise UserError if it is not of the table."""
    plain = replace(opened, description=replace(opened.description, views=1))
    return Backbone(plain.path, plain.network(), plain.description)


def of_table(name: str, pretrained: bool | str) -> Backbone:
    """Build a network of the table with ImageNet's weights, or those of a path."""
    described = Description(NOBODY, name, NETWORKS[name].image_size)
    if not isinstance(pretrained, str) and NETWORKS[name].package:
        # no other last layer is wanted: to build a network costs two seconds
        return Backbone(Path(name), weights.imagenet_classifier(name), described)
    network = signatures.build_network(described)
    if isinstance(pretrained, str):
        weights.load(network, Path(pretrained), name, new_labels=True)
    else:
        weights.load_imagenet(network, name)
    return Backbone(Path(name), network, described)
