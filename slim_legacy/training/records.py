"""Records to batches: images (B, S, S, 3) float32 in [-1, 1] and labels (B,) int64.

Shards of ``make_classification_dataset.py`` are in the order of image ids, runs of one place and
one animal. Training therefore takes them from 16 shards at a time, in another order each
epoch, and mixes at least 20 batches of records (the original: 10 to 20 batches of 4 shards).
Every record comes once in an epoch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from database_tools.core.errors import UserError
from database_tools.formats import dataset_info, tfrecord
from slim_legacy.datasets.descriptor import LABELS, Dataset
from slim_legacy.preprocessing import inception
from slim_legacy.training import log, record_labels

BAD_LABEL = "label out of range"
"""The words that the pipeline's own error starts with."""

_FEATURES = {
    "image/encoded": tf.io.FixedLenFeature((), tf.string),
    "image/class/label": tf.io.FixedLenFeature((), tf.int64),
    "image/filename": tf.io.FixedLenFeature((), tf.string, ""),
}
_SHARDS_AT_A_TIME = 16
_LEAST_MIXED = 1000


@dataclass(frozen=True)
class Reading:
    """How records are read.

    Attributes:
        image_size: side of the pictures.
        batch_size: pictures in a batch, of all clones together.
        num_classes: outputs of the network; labels less ``labels_offset`` are below it.
        labels_offset: taken from every label.
        threads: pictures decoded at a time.
    """

    image_size: int
    batch_size: int
    num_classes: int
    labels_offset: int = 0
    threads: int = 4


def training(
    shards: Sequence[Path], how: Reading, readers: int = 4, seed: int = 0, first_batch: int = 0
) -> tf.data.Dataset:
    """Return endless batches of distorted pictures.

    Args:
        shards: files of records.
        how: see ``Reading``.
        readers: shards read at a time in parallel.
        seed: with ``first_batch``, decides order and distortions.
        first_batch: finished steps; a run that goes on sees another order than its beginning.
    """
    names = tf.data.Dataset.from_tensor_slices([str(shard) for shard in shards])
    names = names.shuffle(len(shards), seed + first_batch)
    at_a_time = min(_SHARDS_AT_A_TIME, len(shards))
    records = names.interleave(
        tf.data.TFRecordDataset,
        cycle_length=at_a_time,
        block_length=1,
        num_parallel_calls=min(readers, at_a_time),
        deterministic=True,
    )
    # Records are mixed while they are still compressed: 50 kB each, not 1 MB.
    mixed = records.shuffle(max(20 * how.batch_size, _LEAST_MIXED), seed + first_batch)
    records = mixed.repeat()  # behind the shuffle, so that an epoch has every record once
    numbered = records.enumerate(start=first_batch * how.batch_size)

    def prepare(number: tf.Tensor, record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        encoded, label = _parse(record, how)
        image = inception.for_training(encoded, how.image_size, tf.stack([seed, number]))
        return image, label

    pictures = numbered.map(prepare, num_parallel_calls=how.threads, deterministic=True)
    return pictures.batch(how.batch_size, drop_remainder=True).prefetch(2)


def evaluation(shards: Sequence[Path], how: Reading) -> tf.data.Dataset:
    """Return every record once, in order; the last batch may be shorter."""
    records = tf.data.TFRecordDataset([str(shard) for shard in shards])

    def prepare(record: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        encoded, label = _parse(record, how)
        return inception.for_evaluation(encoded, how.image_size), label

    pictures = records.map(prepare, num_parallel_calls=how.threads, deterministic=True)
    return pictures.batch(how.batch_size).prefetch(2)


def count(dataset: Dataset, name: str, split: str) -> int:
    """Count the records by their lengths, and say aloud if the descriptor has other numbers.

    Raises:
        UserError: if there is no record at all, or one has a label that the descriptor has not.
    """
    found = sum(len(tfrecord.offsets(shard)) for shard in dataset.data_sources)
    if not found:
        raise UserError(f"{dataset.data_sources[0].parent}: the records of {split} are empty")
    if found != dataset.num_samples:
        log.warning(
            "%s says %s %s pictures, the records hold %s: mend SPLITS_TO_SIZES, which sets when "
            "the learning rate falls",
            name,
            f"{dataset.num_samples:,}",
            split,
            f"{found:,}",
        )
    _check_classes(dataset, name)
    return found


def _check_classes(dataset: Dataset, name: str) -> None:
    folder, told = dataset.data_sources[0].parent, dataset.num_classes
    largest = record_labels.largest(dataset.data_sources)
    if largest >= told:
        rule = f"{name} says {told} classes, 0 to {told - 1}, the records hold the label {largest}"
        raise UserError(f"{folder}: {rule}: mend _NUM_CLASSES")
    known = None
    if (folder / dataset_info.NAME).is_file():
        known, source = dataset_info.read(folder).num_classes, dataset_info.NAME
    elif dataset.labels_to_names:
        known, source = max(dataset.labels_to_names) + 1, LABELS
    if known not in (None, told):
        log.warning("%s says %d classes, %s %d: mend _NUM_CLASSES", name, told, source, known)


def explain(error: tf.errors.OpError) -> UserError | None:
    """Return the user's mistake behind an error that came out of a pipeline, if it is one."""
    signs = f"{BAD_LABEL}|Invalid JPEG|corrupted record|Unknown image file format|Key: image/"
    said = re.search(rf"(?:{signs})[^\]\n]*", str(error.message))
    return UserError(f"a record cannot be used: {said[0].strip()}") if said else None


def _parse(record: tf.Tensor, how: Reading) -> tuple[tf.Tensor, tf.Tensor]:
    features = tf.io.parse_single_example(record, _FEATURES)
    label = features["image/class/label"] - how.labels_offset
    # The original gave such a picture no loss and said nothing.
    message = tf.strings.format(
        BAD_LABEL + ": {} is not in [0, {}), {}",
        (label, how.num_classes, features["image/filename"]),
    )
    tf.debugging.Assert((label >= 0) & (label < how.num_classes), [message])
    return features["image/encoded"], label
