"""A network that embeds, and crops to embed."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    """A bundle of the demo network with random weights."""
    import keras

    from tf_classification.models import bundle, networks
    from tf_classification.models.description import Description

    keras.utils.set_random_seed(1)
    network = networks.build("demo-cnn", 3, image_size=32)
    described = Description(("deer", "fox", "hare"), "demo-cnn", 32)
    return bundle.write(tmp_path_factory.mktemp("models") / "demo", network, described).path
