"""What the folders of a dataset hold besides crops: which files are ours, and which are kept."""

from __future__ import annotations

from pathlib import Path

from database_tools.datasets import shards
from database_tools.detections.detection_files import JSON, PICKLE
from database_tools.durable import files
from database_tools.formats import crop_locations, dataset_info, ledger_json, tfrecord

STAGE = "make_classification_dataset"
LABEL_MAP, PREVIEW = "label_map.pbtxt", "preview.html"
TRAIN_JSON, TEST_JSON = "train.json", "test.json"

DETECTIONS = frozenset({PICKLE, JSON})
"""Never deleted: they may be an input of the very run that rebuilds the rest."""

FILES = DETECTIONS | {
    TRAIN_JSON,
    TEST_JSON,
    LABEL_MAP,
    PREVIEW,
    crop_locations.NAME,
    dataset_info.NAME,
    ledger_json.path_in(Path(), STAGE).name,
}
"""Files of ours in the root of an output folder, besides shards."""


def is_name(name: str) -> bool:
    """Say whether a file of this name, in the root of an output folder, is ours."""
    return name in FILES or shards.is_name(name) or name in tfrecord.INDEXES.values()


def is_ours(path: Path) -> bool:
    """Say whether a file is ours, crops aside, by its path relative to the folder."""
    return files.is_leftover(path.name) or (len(path.parts) == 1 and is_name(path.name))


def to_clear(folder: Path) -> set[str]:
    """List what a build that begins anew deletes from a folder, crops aside."""
    names = {path.name for path in folder.iterdir() if not path.is_dir()}
    return {name for name in names - DETECTIONS if is_name(name) or files.is_leftover(name)}
