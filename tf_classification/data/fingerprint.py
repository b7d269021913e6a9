"""What a training learns from, as one number: a dataset is recognised wherever it lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tf_classification.data.examples import Dataset

_PICTURES = 100


def of(dataset: Dataset, files: Iterable[Path] = ()) -> str:
    """Return the SHA-256 of a dataset, and of files that are read beside it.

    It is of labels, recipe, names, locations and confidences, in order, and of the bytes of a
    hundred training crops: reading all of a million would take as long as an epoch.
    """
    digest = hashlib.sha256()

    def take(content: bytes) -> None:
        digest.update(len(content).to_bytes(8, "big") + content)

    recipe = dataset.crop_recipe and dataset.crop_recipe.as_json()
    take(json.dumps([dataset.label_names, recipe]).encode())
    for split, examples in dataset.splits.items():
        take(split.encode())
        take("\0".join(examples.keys.tolist()).encode("utf-8", "surrogateescape"))
        places = ("/".join(dataset.locations[i]) for i in examples.locations.tolist())
        take("\0".join(places).encode("utf-8", "surrogateescape"))
        take(examples.labels.tobytes() + examples.confidences.tobytes())
    train = dataset.splits["train"]
    rows = np.unique(np.linspace(0, max(len(train) - 1, 0), _PICTURES).astype(np.int64))
    for picture in train.reader(rows) if len(train) else ():
        take(picture)
    for path in files:
        take(path.read_bytes())
    return digest.hexdigest()
