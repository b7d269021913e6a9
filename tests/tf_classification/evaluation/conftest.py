"""A small world: flat grey crops whose brightness is their label, and a network that sees it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from database_tools.core.ledger import Ledger
from tf_classification.data.examples import Dataset, Examples

LABELS = ("badger", "<fox> & co", "hare")
SIDE = 8


def jpeg(grey: int) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE + 2), (grey, grey, grey)).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def examples(split, number, locations, seed, broken=()):
    """Two crops to an image; brightness 40, 120, 200 plus noise that lets labels overlap."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, number, p=[0.6, 0.3, 0.1]).astype(np.int32)
    greys = np.clip(40 + 80 * labels + rng.normal(0, 30, number), 0, 255).astype(int)
    encoded = [b"" if i in broken else jpeg(grey) for i, grey in enumerate(greys)]
    keys = [f"ds/{split}/{i // 2}.jpg___crop{i % 2:02d}_mdv4.1.jpg" for i in range(number)]
    return Examples(
        keys=np.array(keys, np.dtypes.StringDType()),
        labels=labels,
        locations=rng.choice(locations, number).astype(np.int32),
        confidences=np.ones(number, np.float32),
        reader=lambda rows: [encoded[row] for row in rows],
    )


def build_dataset():
    splits = {
        "train": examples("train", 41, [0, 1, 2], 0),
        "val": examples("val", 90, [3, 4, 5], 1),
        "test": examples("test", 67, [0, 6, 7, 8], 2, broken=(5, 66)),
    }
    places = tuple(("ds", str(i)) for i in range(9))
    return Dataset(LABELS, places, splits, Ledger("load", 198, 198))


@pytest.fixture(scope="session")
def dataset():
    return build_dataset()


@pytest.fixture(scope="session")
def network():
    return as_network(build_model())


def as_network(model):
    """What ``evaluate`` takes."""
    from tf_classification.models.description import Description
    from tf_classification.predictor import stream

    return stream.of_keras(model, Description(LABELS, "demo-cnn", SIDE))


def build_model():
    """Logits that grow with the nearness of the mean brightness to 40, 120, 200: too sure."""
    import keras

    pixels = keras.Input((SIDE, SIDE, 3))
    mean = keras.layers.GlobalAveragePooling2D()(pixels)
    last = keras.layers.Dense(3, name="predictions")
    model = keras.Model(pixels, last(mean))
    centres = np.array([40.0, 120.0, 200.0])
    # -(x - c)^2 / (2 s^2) without the part that is the same for all labels; s = 15, not 30
    slope, start = centres / 15**2, -(centres**2) / (2 * 15**2)
    last.set_weights([np.tile(slope / 3, (3, 1)).astype(np.float32), start.astype(np.float32)])
    return model


@pytest.fixture(scope="session")
def make_examples():
    return examples
