"""A dataset from the README's three files and a folder of crops.

``dataset_dir`` holds ``classification_ds.csv``, ``label_index.json`` and ``splits.json``.  Crops
whose location is in no split, and crops that are not there, are left out and counted; a file
that is there but broken shows when it is decoded (see ``pipeline``).
"""

from __future__ import annotations

import logging
from pathlib import Path

from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Drops
from database_tools.durable import spelling
from database_tools.durable.listing import Folders
from database_tools.formats import classification_csv, crops_info, label_index, splits_json
from database_tools.formats.classification_csv import Crop
from tf_classification.data.examples import Columns, Dataset
from tf_classification.data.readers import FileReader

log = logging.getLogger(__name__)

STAGE = "load_dataset"


def load(dataset_dir: Path, crops_dir: Path) -> Dataset:
    """Load the dataset.

    Returns:
        The dataset; "val" and "test" may have no rows.

    Raises:
        UserError: if a file is missing or breaks its format, a crop has a label that is not in
            the label index, or several labels.
    """
    if not crops_dir.is_dir():
        raise UserError(f"{crops_dir}: no such folder of crops")
    names = label_index.read(dataset_dir / "label_index.json")
    splits = splits_json.read(dataset_dir / "splits.json")
    split_of = {place: split for split, places in splits.items() for place in places}
    table = dataset_dir / classification_csv.NAME
    labels = {name: i for i, name in enumerate(names)}
    locations: dict[tuple[str, str], int] = {}
    columns = {split: Columns() for split in splits_json.SPLITS}
    drops = Drops()
    there = Folders(crops_dir)
    total, first_missing = 0, ""
    for line, crop in classification_csv.lines(table):
        total += 1
        place = crop.dataset, crop.location
        if place not in split_of:
            drops.add("in no split", crop.path)
        elif crop.path not in there:
            first_missing = first_missing or crop.path
            drops.add("missing", crop.path)
        else:
            label = _label(labels, crop, table, line)
            location = locations.setdefault(place, len(locations))
            columns[split_of[place]].add(crop.path, label, location, crop.confidence)
    parts = {
        split: rows.close(lambda keys: FileReader(crops_dir, keys))
        for split, rows in columns.items()
    }
    ledger = drops.close(STAGE, total, sum(map(len, parts.values())))
    if other := first_missing and spelling.other_case(crops_dir, first_missing):
        log.warning("%s: missing, but there is %s, in other letter case", first_missing, other)
    if not ledger.kept:
        raise UserError(f"{table}: no crop to use; {ledger.summary() or 'it has no row'}")
    made = crops_info.read(crops_dir)
    recipe = None if made is None else made.recipe
    return Dataset(names, tuple(locations), parts, ledger, crop_recipe=recipe)


def _label(labels: dict[str, int], crop: Crop, table: Path, line: int) -> int:
    if len(crop.labels) > 1:
        rule = f"has several labels, {','.join(crop.labels)!r}; a classifier is trained on one"
        raise FormatError(table, f"line {line}", f"{crop.path} {rule}")
    if crop.labels[0] not in labels:
        rule = f"label {crop.labels[0]!r} is not in label_index.json"
        raise FormatError(table, f"line {line}", rule)
    return labels[crop.labels[0]]
