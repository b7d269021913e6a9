"""A dataset from the TFRecords of ``make_classification_dataset.py``.

They have a training and a test part; the validation part is split off the training part by
``image/location``.  ``dataset_info.json`` gives the classes in the order of their ids.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools import remote
from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Ledger
from database_tools.datasets import output_folder
from database_tools.formats import dataset_info, ledger_json
from database_tools.formats.dataset_info import DatasetInfo
from tf_classification.data import folder_kind, record_index, validation_part
from tf_classification.data.directory import STAGE
from tf_classification.data.examples import Dataset, Examples
from tf_classification.data.readers import RecordReader
from tf_classification.data.record_index import RecordIndex

log = logging.getLogger(__name__)

VAL_FRACTION = validation_part.FRACTION


def load(folder: Path, *, val_fraction: float = VAL_FRACTION, seed: int = 0) -> Dataset:
    """Load the dataset.

    Args:
        folder: with ``train-*``, ``test-*`` and ``dataset_info.json``.
        val_fraction: about which part of the training crops, in whole locations, validates;
            0 for no validation part.
        seed: of the choice of these locations.

    Returns:
        The dataset.  Its classes without any crop are its ``empty_labels``.

    Raises:
        UserError: if files are missing or do not fit together, or if locations are missing or
            too few to split by.
    """
    if not 0 <= val_fraction < 1:
        raise UserError(f"the fraction for validation must be in [0, 1), got {val_fraction}")
    folder_kind.check_records(folder)
    info = dataset_info.read(folder)
    train, test = (_index(folder, split, info) for split in ("train", "test"))
    remote.bring_ahead([p for s in ("train", "test") for p in record_index.shards(folder, s)])
    places, locations = validation_part.numbered(train.places.tolist(), test.places.tolist())
    where = train.places.tolist(), locations[0]
    held = validation_part.choose(folder, train.labels, where, val_fraction, seed)
    splits = {
        "train": _examples(folder, "train", train, locations[0], ~held),
        "val": _examples(folder, "train", train, locations[0], held),
        "test": _examples(folder, "test", test, locations[1], np.ones(len(test.keys), bool)),
    }
    number = len(train.keys) + len(test.keys)
    if told := ledger_json.disagreement(folder, output_folder.STAGE, number):
        log.warning("WARNING: %s records", told)
    empty = np.flatnonzero(np.sum(list(info.counts.values()), axis=0) == 0)
    return Dataset(
        info.classes,
        places,
        splits,
        Ledger(STAGE, number, sum(map(len, splits.values()))),
        tuple(int(i) for i in empty),
        info.recipe,
    )


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
