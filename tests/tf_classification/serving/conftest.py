"""A small bundle to serve, and crops to send."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

LABELS = ("fox", "deer", "red fox", "</script><b>hare", "boar", "zebra")
NAME = "demo"


@pytest.fixture(scope="session")
def crop():
    """A function that gives the file of a generated crop."""
    return _crop


def _crop(height=40, width=40, seed=0, file_format="JPEG"):
    pixels = np.random.default_rng(seed).integers(0, 255, (5, 5, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((width, height)).save(file, file_format)
    return file.getvalue()


@pytest.fixture(scope="session")
def served_bundle(tmp_path_factory):
    import keras

    from tf_classification.models import bundle, networks
    from tf_classification.models.description import Description

    keras.utils.set_random_seed(1)
    network = networks.build("demo-cnn", len(LABELS), image_size=32)
    kernel, bias = network.get_layer("predictions").get_weights()
    network.get_layer("predictions").set_weights([kernel * 30, bias])
    described = Description(
        LABELS,
        "demo-cnn",
        32,
        thresholds=dict.fromkeys(LABELS, 0.9),
        parameters={"crop_shape": {"longest_side": 100, "least_aspect": 0.8, "most_aspect": 1.25}},
    )
    return bundle.write(tmp_path_factory.mktemp("models") / NAME, network, described)
