"""Logits of every crop of a split, on any number of devices, in bounded memory.

Batches are full on every device; rows that only fill a batch are left out by their number, so
each crop counts once, whatever the number of devices.  The logits lie in a nameless file on the
disk, which is gone when the program ends, however it ends.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from database_tools.core.errors import UserError
from tf_classification.data import pipeline
from tf_classification.data.batching import Batching
from tf_classification.data.examples import Examples

Progress = Callable[..., Iterator[Any]]
Arrays = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Logits:
    """What a network says about a split.

    Attributes:
        rows: (n,) rows of ``Examples`` whose picture could be decoded, ascending.
        values: (n, C) float32, one row for each of ``rows``.
        unreadable: rows whose picture could not be decoded.
    """

    rows: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    unreadable: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batches:
    """How pictures are fed.

    Attributes:
        size: crops at a time over all devices; rounded up to fill each of them equally.
        threads: pictures decoded at a time; 0 for as many as there are cores.
    """

    size: int
    threads: int = 0


def logits(
    model: keras.Model,
    examples: Examples,
    fed: Batches,
    folder: Path,
    strategy: tf.distribute.Strategy | None = None,
    progress: Progress | None = None,
) -> Logits:
    """Run a network over a split.

    Args:
        model: (B, S, S, 3) float32 pixels 0..255 to (B, C) logits; made in the strategy's scope.
        examples: the split.
        fed: how pictures are fed.
        folder: existing folder on the disk that shall hold the logits, 4 bytes each.
        strategy: where the model's variables are; None for one device.
        progress: wraps the batches, ``progress(batches, total=...)``.

    Raises:
        UserError: if the disk has no room for the logits, or the network gives NaN.
    """
    strategy = strategy or tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    size = -(-fed.size // replicas) * replicas
    values = _array(len(examples), model.output_shape[-1], folder)
    known: list[npt.NDArray[np.int64]] = []
    filled = 0
    fed = Batches(size, fed.threads or os.cpu_count() or 1)
    batches: Iterable[Arrays] = _batches(model, examples, fed, strategy)
    if progress is not None:
        batches = progress(batches, total=-(-len(examples) // size))
    for index, weight, answers in batches:
        real = (index >= 0) & (weight > 0)
        _check(examples, index[real], answers[real])
        known.append(index[real])
        values[filled : filled + len(known[-1])] = answers[real]
        filled += len(known[-1])
    rows = np.concatenate([np.zeros(0, np.int64), *known])
    return Logits(rows, values[:filled], np.setdiff1d(np.arange(len(examples)), rows))


def _batches(
    model: keras.Model, examples: Examples, fed: Batches, strategy: tf.distribute.Strategy
) -> Iterator[Arrays]:
    """Yield index, weight and logits of each global batch, gathered from all devices."""
    side = int(model.input_shape[1])

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        worker, workers = context.input_pipeline_id, context.num_input_pipelines
        batching = Batching(fed.size, side, worker, workers, fed.threads)
        each = fed.size // strategy.num_replicas_in_sync
        return pipeline.evaluation(examples, batching).rebatch(each, drop_remainder=True)

    def on_replica(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        answer = tf.cast(model(batch["image"], training=False), tf.float32)
        return batch["index"], batch["weight"], answer

    @tf.function
    def step(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        # Gathered inside the function: outside, each batch would trace the collective anew.
        return tuple(strategy.gather(part, 0) for part in strategy.run(on_replica, (batch,)))

    for batch in strategy.distribute_datasets_from_function(of_worker):
        yield tuple(part.numpy() for part in step(batch))


def _check(
    examples: Examples, rows: npt.NDArray[np.int64], answers: npt.NDArray[np.float32]
) -> None:
    finite = np.isfinite(answers).all(axis=1)
    if not finite.all():
        key = examples.keys[rows[np.argmin(finite)]]
        raise UserError(f"the model gives no finite numbers for {key}: was its training cut short?")


def _array(rows: int, columns: int, folder: Path) -> npt.NDArray[np.float32]:
    size = 4 * rows * columns
    if not size:
        return np.zeros((rows, columns), np.float32)
    with tempfile.TemporaryFile(dir=folder) as file:
        try:
            _reserve(file.fileno(), size)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise UserError(
                f"cannot hold the logits in {folder}: {size:,} bytes, {error.strerror}"
            ) from error
        return np.memmap(file, np.float32, "r+", shape=(rows, columns))


def _reserve(file: int, size: int) -> None:
    """Take the room on the disk now: a full disk would end the program by a signal later."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:  # macOS
        os.ftruncate(file, size)
