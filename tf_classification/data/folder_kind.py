"""What kind of dataset a folder holds, by the names of its files: several ways to be given one."""

from __future__ import annotations

from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.formats import classification_csv
from tf_classification.data import record_index

COCO_FILES = ("train.json", "test.json")


def is_coco(folder: Path) -> bool:
    """Tell whether this is a COCO-style folder of ``make_classification_dataset.py``.

    Also of other tools; a folder with ``classification_ds.csv`` is read by that file.
    """
    return not _has_table(folder) and all((folder / name).is_file() for name in COCO_FILES)


def check_records(folder: Path) -> None:
    """Raise UserError if there are no records in a folder, and say what else there is."""
    if record_index.shards(folder, "train"):
        return
    found = "no shard train-00000; is it a folder of TFRecords?"
    if is_coco(folder):
        found = f"a COCO-style folder, not one of TFRecords: give it as DATASET_DIR, {folder}"
    elif _has_table(folder):
        found = f"holds {classification_csv.NAME}, no TFRecords: give it as DATASET_DIR"
    raise UserError(f"--tfrecords {folder}: {found}")


def check_folders(folder: Path, crops: Path | None) -> None:
    """Raise UserError if ``DATASET_DIR`` is none, or lacks its crops; say what else it is."""
    if is_coco(folder):
        return
    if not _has_table(folder):
        found = f"neither {classification_csv.NAME} nor {' and '.join(COCO_FILES)} is there"
        if record_index.shards(folder, "train"):
            found = f"a folder of TFRecords: give it as --tfrecords {folder}"
        raise UserError(f"DATASET_DIR {folder}: {found}")
    if crops is None:
        raise UserError(f"give CROPPED_IMAGES_DIR, the folder of the crops of {folder}, too")


def _has_table(folder: Path) -> bool:
    return (folder / classification_csv.NAME).is_file()
