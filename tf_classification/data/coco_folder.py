"""A dataset from the COCO-style folder of ``make_classification_dataset.py``.

``train.json`` and ``test.json`` list the crops, which lie beside them; the validation part is
split off the training part by ``crop_locations.json``.  The labels are the categories in the
order of their ids.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from database_tools.core import reasons
from database_tools.core.errors import FormatError
from database_tools.core.ledger import Drops
from database_tools.core.names import is_text
from database_tools.formats import crop_locations, crops_coco, dataset_info
from tf_classification.data import validation_part
from tf_classification.data.directory import STAGE, Folders
from tf_classification.data.examples import Columns, Dataset, Examples
from tf_classification.data.folder_kind import COCO_FILES
from tf_classification.data.readers import FileReader


def load(
    folder: Path,
    crops_dir: Path | None = None,
    *,
    val_fraction: float = validation_part.FRACTION,
    seed: int = 0,
) -> Dataset:
    """Load the dataset; crops lie in ``folder`` if nobody says, the rest is as for records.

    Returns:
        The dataset.  Its categories without any crop are its ``empty_labels``.

    Raises:
        UserError: if a file is missing or breaks its format, or locations are missing or too few
            to split by.
    """
    crops_dir = crops_dir or folder
    paths = [folder / name for name in COCO_FILES]
    parts = [crops_coco.read(path) for path in paths]
    names = _names(paths[0], parts[0].categories)
    if _names(paths[1], parts[1].categories) != names:
        raise FormatError(paths[1], "categories", f"are not those of {paths[0].name}")
    located = _locations(folder, needed=bool(val_fraction))
    texts = [[located.get(number, "") for number in part.ids] for part in parts]
    places, locations = validation_part.numbered(*texts)
    there, drops = Folders(crops_dir), Drops()
    examples, kept = [], []
    for part, numbers in zip(parts, locations, strict=True):
        columns, here = Columns(), np.zeros(len(part.files), bool)
        of_file = zip(part.files, part.labels, numbers.tolist(), strict=True)
        for row, (file, label, location) in enumerate(of_file):
            if not is_text(file):  # what holds millions of keys has no bytes for it
                drops.add(reasons.NO_TEXT, file)
            elif file in there:
                columns.add(file, label, location, 1.0)
                here[row] = True
            else:
                drops.add("missing", file)
        examples.append(columns.close(lambda keys: FileReader(crops_dir, keys)))
        kept.append(here)
    train, test = examples
    where = [text for text, here in zip(texts[0], kept[0], strict=True) if here], train.locations
    held = validation_part.choose(folder, train.labels, where, val_fraction, seed)
    splits: dict[str, Examples] = {"train": train.select(~held), "val": train.select(held)}
    splits["test"] = test
    listed = np.bincount([*parts[0].labels, *parts[1].labels], minlength=len(names))
    empty = tuple(int(i) for i in np.flatnonzero(listed == 0))
    total = sum(len(part.files) for part in parts)
    ledger = drops.close(STAGE, total, len(train) + len(test))
    told = (folder / dataset_info.NAME).exists()
    recipe = dataset_info.read(folder).recipe if told else None
    return Dataset(names, places, splits, ledger, empty, recipe)


def _names(path: Path, categories: dict[int, str]) -> tuple[str, ...]:
    if list(categories) != list(range(len(categories))):
        rule = f"ids of labels go from 0 without a gap, got {list(categories)[:10]}"
        raise FormatError(path, "categories", rule)
    return tuple(categories.values())


def _locations(folder: Path, *, needed: bool) -> dict[int, str]:
    path = folder / crop_locations.NAME
    if path.exists():
        return crop_locations.read(folder)
    if needed:
        rule = "no such file, by which validation is split off"
        advice = "build the dataset again with make_classification_dataset.py into an empty folder"
        raise FormatError(path, "", f"{rule}; {advice}, or train on its TFRecords (--tfrecords)")
    return {}
