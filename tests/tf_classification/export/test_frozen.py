"""A frozen network gives the network's numbers, whatever its preprocessing and padding."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_classification.export import frozen
from tf_classification.models import networks

RESCALING = {"scale": 1 / 255}
CHANNELS = {"mean": (124, 117, 104), "variance": (1, 4, 9)}


def small(*preprocessing):
    """A network of one convolution behind such preprocessing."""
    pixels = x = keras.Input((48, 48, 3), name="image")
    for kind, numbers in preprocessing:
        x = kind(**numbers)(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, activation="relu")(x))
    return keras.Model(pixels, keras.layers.Dense(5)(x))


@pytest.mark.parametrize(
    ("make", "apart"),
    [
        (lambda: networks.build("demo-cnn", 5, image_size=48), 1e-5),  # one Rescaling
        (
            lambda: small(  # as EfficientNet
                (keras.layers.Rescaling, RESCALING), (keras.layers.Normalization, CHANNELS)
            ),
            1e-5,
        ),
        (lambda: small((keras.layers.Normalization, CHANNELS)), 1e-5),  # as ResNet
        pytest.param(  # the usual padding would make more of a difference than that
            lambda: networks.build("efficientnet-b0", 5, image_size=48, conv_padding="symmetric"),
            1e-6,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_frozen_network_gives_the_networks_logits(make, apart):
    network = make()
    pixels = np.random.default_rng(0).uniform(0, 255, (3, 48, 48, 3)).astype(np.float32)
    function = frozen.freeze_network(network)
    found = np.ravel(function(tf.constant(pixels)))
    expected = np.ravel(network(pixels))
    # of the largest logit: float32 rounds large ones accordingly
    np.testing.assert_allclose(found, expected, rtol=0, atol=apart * max(1, abs(expected).max()))
    assert not function.graph.captures
    assert "ReadVariableOp" not in {node.op for node in function.graph.as_graph_def().node}
