"""Tiny pictures and datasets."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from database_tools.durable import files
from database_tools.formats import (
    classification_csv,
    dataset_info,
    example,
    label_index,
    tfrecord,
)
from database_tools.formats.classification_csv import Crop
from database_tools.formats.dataset_info import DatasetInfo
from tf_classification.data.examples import Examples


def encode(array, kind="JPEG", **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **{"quality": 95, **options})
    return buffer.getvalue()


def smooth(height, width, seed=0):
    """A picture without fine detail, so that ways to resize agree on it."""
    small = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(name="encode")
def _encode():
    return encode


@pytest.fixture(name="smooth")
def _smooth():
    return smooth


@pytest.fixture(name="examples_of")
def _examples_of():
    """Make examples of encoded pictures; row i has label i % 3."""

    def make(encoded):
        number = len(encoded)
        return Examples(
            np.array([f"{i}.jpg" for i in range(number)], np.dtypes.StringDType()),
            np.arange(number, dtype=np.int32) % 3,
            np.arange(number, dtype=np.int32) % 4,
            np.ones(number, np.float32),
            lambda rows: [encoded[row] for row in rows],
        )

    return make


class Folder:
    """A dataset of 12 crops: label a or b, locations 1 to 6, a broken crop never."""

    def __init__(self, root: Path) -> None:
        self.root, self.crops = root, root / "crops"
        self.rows = [
            Crop(
                f"ds/{'ab'[i % 2]}/{i}.jpg", "ds", str(1 + i // 2), "x", 1 - i / 100, ("ab"[i % 2],)
            )
            for i in range(12)
        ]
        self.splits = {
            "train": [["ds", 1], ["ds", 2], ["ds", 3], ["ds", 4]],
            "val": [["ds", "5"]],
            "test": [["ds", "6"]],
        }
        self.names = ["a", "b"]
        for i, row in enumerate(self.rows):
            file = self.crops / row.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(encode(np.full((40, 40, 3), 20 * i, np.uint8)))

    def write(self):
        classification_csv.write(self.root / "classification_ds.csv", self.rows)
        files.write_json(self.root / "splits.json", self.splits)
        label_index.write(self.root / "label_index.json", self.names)
        return self.root, self.crops


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


class Shards:
    """24 training records in two shards, 12 of deer and fox each, 6 locations; 2 for testing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write_all()

    def write_all(self):
        train = [self.record(i, 1 + i % 2, f"loc {i // 4}") for i in range(24)]
        self.write("train-00000", train[:20])
        self.write("train-00001", train[20:])
        self.write("test-00000", [self.record(i, i - 29, "loc 9") for i in (30, 31)])
        counts = {"train": (0, 12, 12), "test": (0, 1, 1)}
        dataset_info.write(self.path, DatasetInfo(("empty", "deer", "fox"), counts))

    def picture(self, i):
        return encode(np.full((8, 8, 3), i, np.uint8), "PNG")

    def record(self, i, label, place):
        return example.encode(
            {
                "image/encoded": [self.picture(i)],
                "image/class/label": np.array([label]),
                "image/filename": [b"deer/%d.jpg" % i],
                "image/location": [place.encode()] if place else (),
                "image/detection_conf": np.array([i / 100], np.float32),
            }
        )

    def write(self, name, records):
        with tfrecord.Writer(self.path / name) as writer:
            for content in records:
                writer.write(content)


@pytest.fixture
def shards(tmp_path):
    return Shards(tmp_path)
