"""``--dataset_name=auto``: sizes and classes from ``dataset_info.json`` beside the records.

``make_classification_dataset.py --tfrecords_output`` writes that file, so its datasets need no
descriptor.
"""

from __future__ import annotations

from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.formats import dataset_info
from slim_legacy.datasets import descriptor


def get_split(
    split_name: str, dataset_dir: str | Path, file_pattern: str | None = None
) -> descriptor.Dataset:
    """Find the records of a split, as every descriptor's ``get_split`` does.

    Raises:
        UserError: if there is no ``dataset_info.json``, or what ``descriptor.get_split`` raises.
    """
    info = _info(dataset_dir)
    sizes = {split: info.size(split) for split in info.counts}
    return descriptor.get_split(sizes, info.num_classes, split_name, dataset_dir, file_pattern)


def num_classes(dataset_dir: str | Path) -> int:
    """Return the number of classes, the empty ones included."""
    return _info(dataset_dir).num_classes


def _info(dataset_dir: str | Path) -> dataset_info.DatasetInfo:
    folder = Path(dataset_dir)
    if not (folder / dataset_info.NAME).is_file():
        raise UserError(
            f"{folder}: no {dataset_info.NAME}, which --dataset_name=auto reads. "
            "Name a descriptor of slim_legacy/datasets instead"
        )
    return dataset_info.read(folder)
