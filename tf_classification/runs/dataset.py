"""The dataset of a run: what its configuration names, loaded, and its labels alone.

A run keeps the labels that it began with, whatever becomes of the dataset's files.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools import remote
from database_tools.core.errors import UserError
from database_tools.core.taxa import Taxonomy
from database_tools.durable import files
from database_tools.formats import crops_coco, dataset_info, isotonic_npz, label_index, label_taxa
from database_tools.formats import picture_hashes as hashes_npz
from tf_classification.data import coco_folder, directory, examples, fingerprint, folder_kind
from tf_classification.data import tfrecords as records
from tf_classification.data.examples import Dataset
from tf_classification.runs.config import PARAMS, TrainConfig

log = logging.getLogger(__name__)


def load(config: TrainConfig, *, training: bool) -> Dataset:
    """Load the records or the folders that a configuration names.

    Args:
        config: of the run.
        training: whether each label must have crops to learn from, and pictures among them.

    Returns:
        The dataset, without the labels that the run leaves out (``min_crops``).

    Raises:
        UserError: if something is missing or broken, or the labels are not those that the run
            began with.
    """
    check_kind(config)
    dataset, source = _load(config)
    dataset = replace(dataset, taxonomy=_taxonomy(source, dataset.label_names))
    if config.min_crops:
        dataset = examples.keep_labels(dataset, _kept(config, dataset))
    if config.labels is not None:
        _check_same(dataset.label_names, config.labels, source)
    if training:
        examples.require_training_crops(dataset, source)
        examples.require_pictures(dataset, source)
    return dataset


def check_kind(config: TrainConfig) -> None:
    """Refuse a folder of another kind than it is said to be; asked at once, as it is cheap."""
    if config.tfrecords is not None:
        folder_kind.check_records(remote.path(config.tfrecords))
    else:
        folder, crops = _folders(config)
        folder_kind.check_folders(folder, crops)
        if config.weight_by_detection_conf and folder_kind.is_coco(folder):
            rule = "the COCO-style folder has no confidences; its TFRecords have (--tfrecords)"
            raise UserError(f"--weight-by-detection-conf: {rule}")


def labels(config: TrainConfig) -> tuple[tuple[str, ...], str]:
    """Return the labels of a run's network in order, and the file that says so.

    Raises:
        UserError: if the run began with others than its dataset has now.
    """
    own, path = config.labels, remote.path(config.tfrecords or str(config.dataset_dir))
    if own is not None and (path.is_file() or not path.exists()):
        return own, PARAMS
    found, origin = _labels(config, path)
    if own is None:
        return found, origin
    left = tuple(name for name in found if name in own) if config.min_crops else found
    _check_same(left, own, Path(origin))
    return own, origin


def sha256(config: TrainConfig, dataset: Dataset) -> str:
    """Return the fingerprint of what a run learns from."""
    curve = config.weight_by_detection_conf
    return fingerprint.of(dataset, [Path(curve)] if isinstance(curve, str) else [])


def picture_hashes(config: TrainConfig) -> str | None:
    """Return the fingerprint of the pictures' hashes that the dataset keeps, if it keeps them."""
    path = remote.path(config.tfrecords or str(config.dataset_dir)) / hashes_npz.NAME
    return files.sha256(path) if path.exists() else None


def confidence_weights(
    config: TrainConfig, confidences: npt.NDArray[np.float32]
) -> npt.NDArray[np.floating] | None:
    """Return how much crops weigh by their (n,) detector confidences; None for all alike."""
    choice = config.weight_by_detection_conf
    if isinstance(choice, bool):
        return confidences if choice else None
    try:
        return isotonic_npz.read(Path(choice)).calibrate(confidences)
    except ValueError as error:
        raise UserError(f"--weight-by-detection-conf {choice}: {error}") from None


def _load(config: TrainConfig) -> tuple[Dataset, Path]:
    fraction, seed = config.val_fraction, config.seed or 0
    if config.tfrecords is not None:
        folder = remote.path(config.tfrecords)
        return records.load(folder, val_fraction=fraction, seed=seed), folder
    folder, crops = _folders(config)
    if crops is None or folder_kind.is_coco(folder):
        return coco_folder.load(folder, crops, val_fraction=fraction, seed=seed), folder
    return directory.load(folder, crops), folder


def _folders(config: TrainConfig) -> tuple[Path, Path | None]:
    crops = config.cropped_images_dir
    return remote.path(str(config.dataset_dir)), None if crops is None else remote.path(crops)


def _labels(config: TrainConfig, path: Path) -> tuple[tuple[str, ...], str]:
    if config.tfrecords is not None:
        return dataset_info.read(path).classes, str(path / dataset_info.NAME)
    if folder_kind.is_coco(path):
        train = path / folder_kind.COCO_FILES[0]
        return tuple(crops_coco.read(train).categories.values()), str(train)
    return label_index.read(path / "label_index.json"), str(path / "label_index.json")


def _taxonomy(folder: Path, labels: Sequence[str]) -> Taxonomy | None:
    """Return what the dataset carries on, else what somebody put beside it."""
    carried = dataset_info.read(folder) if (folder / dataset_info.NAME).exists() else None
    if carried is not None and carried.taxonomy is not None:
        return {label: taxa for label, taxa in carried.taxonomy.items() if label in labels}
    return label_taxa.read(folder, labels)


def _kept(config: TrainConfig, dataset: Dataset) -> Sequence[str]:
    """Return the labels that the run began with; at its beginning, those with enough crops."""
    if config.labels is not None:
        return config.labels
    counts = dataset.splits["train"].counts(dataset.num_labels)
    few = [int(i) for i in np.flatnonzero(counts < config.min_crops)]
    if few:
        listed = ", ".join(f"{dataset.label_names[i]} ({counts[i]})" for i in few)
        log.info("--min-crops %d leaves out, of crops to train on: %s", config.min_crops, listed)
    return [name for i, name in enumerate(dataset.label_names) if i not in few]


def _check_same(found: Sequence[str], own: Sequence[str], source: Path) -> None:
    if tuple(found) == tuple(own):
        return
    if len(found) != len(own):
        raise UserError(f"{source} has {len(found)} labels, the run learnt {len(own)}")
    i = next(i for i, (a, b) in enumerate(zip(found, own, strict=True)) if a != b)
    raise UserError(f"{source}: label {i} is {found[i]!r}, the run learnt {own[i]!r} there")
