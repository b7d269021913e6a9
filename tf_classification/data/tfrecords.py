"""A dataset from the TFRecords of ``make_classification_dataset.py``.

They have a training and a test part; the validation part is split off the training part by
``image/location``.  ``dataset_info.json`` gives the classes in the order of their ids.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core import holdout
from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Ledger
from database_tools.formats import dataset_info
from database_tools.formats.dataset_info import DatasetInfo
from tf_classification.data import record_index
from tf_classification.data.directory import STAGE
from tf_classification.data.examples import (
    Dataset,
    Examples,
    require_pictures,
    require_training_crops,
)
from tf_classification.data.readers import RecordReader
from tf_classification.data.record_index import RecordIndex

VAL_FRACTION = 0.2
"""Part of the training crops that validates by default."""


def load(
    folder: Path, *, val_fraction: float = VAL_FRACTION, seed: int = 0, training: bool = True
) -> Dataset:
    """Load the dataset.

    Args:
        folder: with ``train-*``, ``test-*`` and ``dataset_info.json``.
        val_fraction: about which part of the training crops, in whole locations, validates;
            0 for no validation part.
        seed: of the choice of these locations.
        training: whether to train on it, for which every label needs a crop, and some crop has
            to be a picture.

    Returns:
        The dataset.  Its classes without any crop are its ``empty_labels``.

    Raises:
        UserError: if files are missing or do not fit together, if locations are missing or too
            few to split by, if a class that has crops has none to train on, or no crop is a
            picture.
    """
    if not 0 <= val_fraction < 1:
        raise UserError(f"the fraction for validation must be in [0, 1), got {val_fraction}")
    if not record_index.shards(folder, "train"):
        raise UserError(f"{folder}: no shard train-00000; is it a folder of TFRecords?")
    info = dataset_info.read(folder)
    train, test = (_index(folder, split, info) for split in ("train", "test"))
    places = {place: i for i, place in enumerate(np.unique([*train.places, *test.places]))}
    locations = [np.array([places[p] for p in part.places], np.int32) for part in (train, test)]
    held = _hold_out(folder, train, locations[0], val_fraction, seed)
    splits = {
        "train": _examples(folder, "train", train, locations[0], ~held),
        "val": _examples(folder, "train", train, locations[0], held),
        "test": _examples(folder, "test", test, locations[1], np.ones(len(test.keys), bool)),
    }
    number = len(train.keys) + len(test.keys)
    empty = np.flatnonzero(np.sum(list(info.counts.values()), axis=0) == 0)
    dataset = Dataset(
        info.classes,
        tuple(("", str(place)) for place in places),
        splits,
        Ledger(STAGE, number, number),
        tuple(int(i) for i in empty),
    )
    if training:
        require_training_crops(dataset, folder)
        require_pictures(dataset, folder)
    return dataset


def _index(folder: Path, split: str, info: DatasetInfo) -> RecordIndex:
    """Index a split's shards and check them against ``dataset_info.json``."""
    index = record_index.load(folder, split)
    found = np.bincount(index.labels, minlength=info.num_classes)
    told = info.counts.get(split, (0,) * info.num_classes)
    if tuple(found.tolist()) != tuple(told):
        rule = f"{found.sum()} records in the shards, {sum(told)} in {dataset_info.NAME}"
        advice = "classes differ" if found.sum() == sum(told) else "shards of another run?"
        raise FormatError(folder, split, f"{rule}: {advice}")
    return index


def _hold_out(
    folder: Path,
    index: RecordIndex,
    locations: npt.NDArray[np.int32],
    fraction: float,
    seed: int,
) -> npt.NDArray[np.bool_]:
    if not fraction:
        return np.zeros(len(locations), bool)
    if (index.places == "").any():
        number = int((index.places == "").sum())
        rule = f"{number} records have no image/location to split validation off by"
        raise FormatError(folder, "train", rule)
    held = holdout.choose(index.labels, locations, fraction, seed)
    if not held.any():
        rule = (
            f"none of {len(np.unique(locations))} locations can validate without taking more "
            "than half of some class's crops; use more locations or no validation part"
        )
        raise FormatError(folder, "train", rule)
    return held


def _examples(
    folder: Path,
    split: str,
    index: RecordIndex,
    locations: npt.NDArray[np.int32],
    chosen: npt.NDArray[np.bool_],
) -> Examples:
    reader = RecordReader(
        record_index.shards(folder, split), index.shard, index.offset, index.length
    )
    return Examples(
        index.keys[chosen],
        index.labels[chosen],
        locations[chosen],
        index.confidences[chosen],
        reader.select(chosen),
    )
