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
    folder = Path(dataset_dir)
    if not (folder / dataset_info.NAME).is_file():
        raise UserError(
            f"{folder}: no {dataset_info.NAME}, which --dataset_name=auto reads. "
            "Name a descriptor of slim_legacy/datasets instead"
        )
    info = dataset_info.read(folder)
    sizes = {split: info.size(split) for split in info.counts}
    return descriptor.get_split(sizes, info.num_classes, split_name, folder, file_pattern)
