"""A tiny classification dataset: three labels, told by colour, at six locations."""

from __future__ import annotations

import socket
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from database_tools.formats import (
    classification_csv,
    classifier_csv,
    dataset_info,
    example,
    label_index,
    splits_json,
    tfrecord,
)
from database_tools.formats.classification_csv import Crop

LABELS = ("deer", "fox", "hare")
SPLITS = {"train": ("0", "1", "2", "3"), "val": ("4",), "test": ("5",)}


@pytest.fixture(scope="session")
def read_outputs():
    """Read an ``outputs_SPLIT.csv.gz`` whole; labels as numbers."""

    def read(path):
        with classifier_csv.reading(path) as table:
            parts, names = list(table), table.label_names
        return SimpleNamespace(
            keys=[key for part in parts for key in part.paths],
            labels=np.array([names.index(label) for part in parts for label in part.labels]),
            weights=np.concatenate([part.weights for part in parts]),
            probabilities=np.concatenate([p.probabilities for p in parts]).astype(np.float32),
            label_names=names,
        )

    return read


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Folder with base/ (the three files) and crops/: 60 crops to train on, 15 and 15 to judge."""
    root = tmp_path_factory.mktemp("tiny")
    rng = np.random.default_rng(0)
    crops = []
    for location in range(6):
        for i in range(15):
            pixels = rng.integers(0, 120, (40, 44, 3))
            pixels[..., i % 3] += 100
            path = f"demo/{location}/{i}.jpg"
            file = root / "crops" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(file, quality=85)
            label = LABELS[i % 3]
            crops.append(Crop(path, "demo", str(location), label, 0.8 + i / 100, (label,)))
    classification_csv.write(root / "base" / "classification_ds.csv", crops)
    label_index.write(root / "base" / "label_index.json", LABELS)
    splits = {name: frozenset(("demo", x) for x in places) for name, places in SPLITS.items()}
    splits_json.write(root / "base" / "splits.json", splits)
    return root


@pytest.fixture(scope="session")
def tiny_records(tiny, tmp_path_factory):
    """The same as records, with a class before the others that has no crop."""
    folder = tmp_path_factory.mktemp("records")
    crops = list(classification_csv.read(tiny / "base" / "classification_ds.csv"))
    names = ("empty", *LABELS)
    counts = {}
    for split, places in {"train": "01234", "test": "5"}.items():
        own = [crop for crop in crops if crop.location in places]
        counts[split] = tuple(sum(crop.labels == (name,) for crop in own) for name in names)
        with tfrecord.Writer(folder / f"{split}-00000") as writer:
            for crop in own:
                writer.write(record(tiny / "crops" / crop.path, crop, names))
    dataset_info.write(folder, dataset_info.DatasetInfo(names, counts))
    return folder


def record(path, crop, names):
    """Make a record; its file name is that of a picture, which may have several crops."""
    features = {
        "image/encoded": [path.read_bytes()],
        "image/class/label": np.array([names.index(crop.labels[0])]),
        "image/filename": [f"{crop.location}.jpg".encode()],
        "image/location": [crop.location.encode()],
        "image/detection_conf": np.array([crop.confidence], np.float32),
    }
    return example.encode(features)


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


@pytest.fixture(scope="session")
def embedded(model, tiny, tmp_path_factory):
    """Folder of embeddings of the tiny dataset by that network."""
    from tf_classification import embed_crops

    folder = tmp_path_factory.mktemp("embedded")
    words = [tiny / "crops", "--dataset-dir", tiny / "base", "--output_dir", folder]
    assert embed_crops.main([str(word) for word in (*words, "--model", model)]) == 0
    return folder


@pytest.fixture(scope="session")
def flags(tiny):
    """A command line that trains the demo network on it in seconds."""
    where = [str(tiny / "base"), str(tiny / "crops")]
    how = ["--model-name", "demo-cnn", "--image-size", "32", "--epochs", "3", "--seed", "1"]
    return [*where, *how, "--batch-size", "16", "--optimizer", "adamw", "--lr", "0.003"]


@pytest.fixture(scope="session")
def free_ports():
    """Return a function that finds so many ports of this machine that nobody listens on."""

    def find(number):
        sockets = [socket.socket() for _ in range(number)]
        for each in sockets:
            each.bind(("localhost", 0))
        ports = [each.getsockname()[1] for each in sockets]
        for each in sockets:
            each.close()
        return ports

    return find
