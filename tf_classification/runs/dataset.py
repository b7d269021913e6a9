"""The dataset of a run: what its configuration names, loaded, and its labels alone."""

from __future__ import annotations

from pathlib import Path

from database_tools.formats import dataset_info, label_index
from tf_classification.data import directory, tfrecords
from tf_classification.data.examples import Dataset
from tf_classification.runs.config import TrainConfig


def load(config: TrainConfig, *, training: bool) -> Dataset:
    """Load the records or the two folders that a configuration names.

    Args:
        config: of the run.
        training: whether each label must have crops to learn from.

    Raises:
        UserError: if something is missing or broken.
    """
    if config.tfrecords is not None:
        fraction, seed = config.val_fraction, config.seed or 0
        return tfrecords.load(
            Path(config.tfrecords), val_fraction=fraction, seed=seed, training=training
        )
    folders = Path(str(config.dataset_dir)), Path(str(config.cropped_images_dir))
    return directory.load(*folders, training=training)


def labels(config: TrainConfig) -> tuple[tuple[str, ...], str]:
    """Return the labels of a configuration's dataset in order, and the file that says so."""
    if config.tfrecords is not None:
        path = Path(config.tfrecords)
        return dataset_info.read(path).classes, str(path / dataset_info.NAME)
    index = Path(str(config.dataset_dir)) / "label_index.json"
    return label_index.read(index), str(index)
