"""A frozen network gives the network's numbers, whatever its preprocessing."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.parametrize(
    "name",
    [
        "demo-cnn",  # one Rescaling with an offset
        pytest.param("mobilenetv3-small", marks=pytest.mark.slow),  # the same
        pytest.param("efficientnet-b0", marks=pytest.mark.slow),  # Rescaling, then Normalization
        pytest.param("resnet50", marks=pytest.mark.slow),  # Normalization alone
    ],
)
def test_a_frozen_network_gives_the_networks_logits(name):
    from tf_classification.export import frozen
    from tf_classification.models import networks

    network = networks.build(name, 5, image_size=48)
    pixels = np.random.default_rng(0).uniform(0, 255, (3, 48, 48, 3)).astype(np.float32)
    function = frozen.freeze_network(network)
    found = np.ravel(function(tf.constant(pixels)))
    expected = np.ravel(network(pixels))
    # of the largest logit: a random ResNet's are near 100, and float32 rounds them accordingly
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1, np.abs(expected).max()))
    assert not function.graph.captures
    assert "ReadVariableOp" not in {node.op for node in function.graph.as_graph_def().node}


@pytest.mark.slow
def test_padding_is_kept():
    from tf_classification.export import frozen
    from tf_classification.models import networks

    same = networks.build("efficientnet-b0", 2, image_size=32)
    symmetric = networks.build("efficientnet-b0", 2, image_size=32, conv_padding="symmetric")
    symmetric.set_weights(same.get_weights())
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    frozen_logits = np.ravel(frozen.freeze_network(symmetric)(tf.constant(pixels)))
    np.testing.assert_allclose(frozen_logits, np.ravel(symmetric(pixels)), rtol=0, atol=1e-6)
    assert np.abs(frozen_logits - np.ravel(same(pixels))).max() > 1e-6
