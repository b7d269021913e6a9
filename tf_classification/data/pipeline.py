"""The tf.data input of training and evaluation: dictionaries of batches.

==========  =======  ==========  ==========================================================
key         dtype    shape       meaning
==========  =======  ==========  ==========================================================
image       float32  (B,S,S,3)   RGB in [0, 255]
label       int32    (B,)        position in ``Dataset.label_names``
weight      float32  (B,)        1, or 0: leave the row out of loss and metrics
index       int64    (B,)        row of ``Examples``; -1 for a row that only fills the batch
target      float32  (B,C)       only with MixUp or CutMix: share of each label
==========  =======  ==========  ==========================================================

A row with weight 0 and an index is a picture that could not be decoded: count it.

Every batch is full (B rows), so a network is compiled once and no replica is ever empty.
Worker w of N gets rows w·B/N to (w+1)·B/N of each global batch: the stream of examples is the
same for any number of workers and replicas, and each row's random numbers depend on nothing
but seed, step and row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from database_tools.core.sampling import EpochPlan, Indices
from tf_classification.data import transforms
from tf_classification.data.augmentation import Augmentation
from tf_classification.data.examples import Examples


@dataclass(frozen=True)
class Batching:
    """How examples are cut into batches.

    Attributes:
        size: rows of a global batch, over all workers and replicas.
        image_size: side of the pictures in pixels.
        worker: number of this worker, from 0.
        workers: number of workers.
    """

    size: int
    image_size: int
    worker: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        if self.size % self.workers:
            raise ValueError(f"a batch of {self.size} does not divide by {self.workers} workers")

    @property
    def local_size(self) -> int:
        """Rows of this worker's part of a batch."""
        return self.size // self.workers

    def steps(self, rows: int) -> int:
        """Return the number of batches that ``rows`` fill, the last one perhaps in part."""
        return -(-rows // self.size)


def training(
    examples: Examples,
    plan: EpochPlan,
    batching: Batching,
    augmentation: Augmentation,
    *,
    epochs: int,
    start_step: int = 0,
) -> tf.data.Dataset:
    """Return this worker's batches of all epochs, from step ``start_step`` on.

    An epoch has ``batching.steps(plan.size)`` steps; step s belongs to epoch s // that.  The
    rows that fill an epoch's last batch repeat its first pictures with weight 0, so that batch
    normalization sees pictures, and the loss does not.
    """
    per_epoch = batching.steps(plan.size)
    steps = tf.data.Dataset.range(start_step, per_epoch * epochs)

    def rows(step: int) -> Indices:
        epoch, step = divmod(int(step), per_epoch)
        return _cut(plan.indices(epoch), step, batching)

    return _batches(examples, steps, rows, batching)


def evaluation(examples: Examples, batching: Batching) -> tf.data.Dataset:
    """Return this worker's batches of all rows, each once, in order.

    The last batch is filled with black pictures of weight 0.
    """
    steps = tf.data.Dataset.range(batching.steps(len(examples)))
    every = np.arange(len(examples))
    return _batches(examples, steps, lambda step: _cut(every, int(step), batching), batching)


def _cut(rows: Indices, step: int, batching: Batching) -> Indices:
    """Return this worker's rows of a step, -1 where there are no more."""
    start = step * batching.size + batching.worker * batching.local_size
    part = rows[start : start + batching.local_size]
    return np.pad(part, (0, batching.local_size - len(part)), constant_values=-1)


def _batches(examples, steps, rows, batching) -> tf.data.Dataset:  # type: ignore[no-untyped-def]
    def read(step):  # type: ignore[no-untyped-def]
        index = rows(step)
        real = np.maximum(index, 0)
        weight = (index >= 0).astype(np.float32)
        return np.array(examples.reader(real), object), examples.labels[real], weight, index

    def fetch(step):  # type: ignore[no-untyped-def]
        kinds = (tf.string, tf.int32, tf.float32, tf.int64)
        columns = tf.numpy_function(read, [step], kinds)
        for column in columns:
            column.set_shape((batching.local_size,))
        return dict(zip(("encoded", "label", "weight", "index"), columns, strict=True))

    def decode(row):  # type: ignore[no-untyped-def]
        image = transforms.decode_for_evaluation(row.pop("encoded"), batching.image_size)
        return {"image": image, **row}

    rows_ = steps.map(fetch).unbatch().map(decode, num_parallel_calls=tf.data.AUTOTUNE)
    return rows_.batch(batching.local_size, drop_remainder=True).prefetch(2)
