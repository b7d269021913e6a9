"""What a command was asked for, checked before TensorFlow is imported."""

from __future__ import annotations

from pathlib import Path

from database_tools.core.errors import UserError
from slim_legacy.datasets import dataset_factory
from slim_legacy.datasets.descriptor import Dataset
from slim_legacy.nets import nets_factory
from slim_legacy.preprocessing import preprocessing_factory
from slim_legacy.training.options import Input


def dataset(options: Input, split: str) -> Dataset:
    """Return the records that are asked for.

    Raises:
        UserError: if the folder, the network, the preprocessing, the dataset, the split or its
            records are not there.
    """
    if not options.dataset_dir:
        raise UserError("You must supply the dataset directory with --dataset_dir")
    if not Path(options.dataset_dir).is_dir():
        raise UserError(f"--dataset_dir {options.dataset_dir}: no such folder")
    check_network(options.model_name, options.preprocessing_name)
    return dataset_factory.get_dataset(options.dataset_name, split, options.dataset_dir)


def check_network(model_name: str, preprocessing_name: str | None) -> None:
    """Raise UserError if there is no such network, or its pictures cannot be prepared."""
    nets_factory.get(model_name)
    preprocessing_factory.check(preprocessing_name or model_name)
