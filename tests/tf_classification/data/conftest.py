"""Tiny pictures and datasets."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from database_tools.formats import classification_csv, files, label_index
from database_tools.formats.classification_csv import Crop
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
