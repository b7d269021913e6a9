"""Tiny records, made without TensorFlow: pictures whose label is their strongest colour."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from database_tools.formats import dataset_info, example, tfrecord


def jpeg(pixels: np.ndarray, quality: int = 90) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return file.getvalue()


def coloured(label: int, seed: int, side: int = 40) -> np.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 60, (side, side, 3)).astype(np.uint8)
    pixels[..., label % 3] += 120
    return pixels


def write_shard(path: Path, labels: Sequence[int], first: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tfrecord.Writer(path) as writer:
        for i, label in enumerate(labels, start=first):
            features = {
                "image/encoded": [jpeg(coloured(label, seed=i))],
                "image/format": [b"JPEG"],
                "image/filename": [f"{i}.jpg".encode()],
                "image/class/label": np.array([label]),
            }
            writer.write(example.encode(features))


def write_records(folder: Path, train: int = 12, test: int = 7) -> Path:
    """Three classes in two shards a split, and the dataset_info.json that goes with them."""
    counts = {}
    for split, n in (("train", train), ("test", test)):
        labels = [i % 3 for i in range(n)]
        counts[split] = tuple(labels.count(label) for label in range(3))
        half = (n + 1) // 2
        write_shard(folder / f"{split}-00000", labels[:half])
        write_shard(folder / f"{split}-00001", labels[half:], first=half)
    dataset_info.write(folder, dataset_info.DatasetInfo(("red", "green", "blue"), counts))
    return folder


@pytest.fixture(scope="session")
def records_dir(tmp_path_factory) -> Path:
    return write_records(tmp_path_factory.mktemp("records"))


@pytest.fixture(scope="session")
def make_shard():
    return write_shard


@pytest.fixture(scope="session")
def make_records():
    return write_records


@pytest.fixture(scope="session")
def make_jpeg():
    return jpeg
