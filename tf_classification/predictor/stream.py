"""Logits of pictures from any reader, on any number of devices, in bounded memory.

    for rows, values in stream.stream(network, reader, count, Batches(256)):
        ...                                     # rows (k,), values (k, C)

Batches are full on every device; rows that only fill a batch are left out by their number, so
each picture counts once, whatever the number of devices, and one that cannot be decoded not at
all.
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
from tf_classification.data.examples import Examples, Reader
from tf_classification.models import signatures
from tf_classification.models.bundle import Bundle
from tf_classification.models.description import Description

Progress = Callable[..., Iterator[Any]]
Rows = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Network:
    """What pictures stream through.

    Attributes:
        name: of the network, for people.
        outputs: number of labels C.
        image_size: side S of its pictures.
        logits: (B, S, S, 3) float32 pixels 0..255 to (B, C), in a graph.
        decode: from an encoded picture and S to its pixels, in a graph.
    """

    name: str
    outputs: int
    image_size: int
    logits: Callable[[tf.Tensor], tf.Tensor]
    decode: signatures.Decode


def of_keras(model: keras.Model, description: Description) -> Network:
    """Take a network of the table, made in the scope of the strategy that shall run it."""
    return Network(
        model.name,
        int(model.output_shape[-1]),
        description.image_size,
        lambda pixels: model(pixels, training=False),
        signatures.decoder(description),
    )


def of_bundle(bundle: Bundle) -> Network:
    """Take a bundle whose network is in its signatures only, as those of ``slim_legacy``.

    Raises:
        UserError: if the bundle is older than the signatures that are needed.
    """
    described, loaded = bundle.description, signatures.Loaded(bundle.path)
    return Network(
        described.network,
        len(described.labels),
        described.image_size,
        lambda pixels: loaded(pixels)["logits"],
        loaded.decode,
    )


@dataclass(frozen=True)
class Batches:
    """How pictures are fed.

    Attributes:
        size: pictures at a time over all devices; rounded up to fill each of them equally.
        threads: pictures decoded at a time; 0 for as many as there are cores.
    """

    size: int
    threads: int = 0


def stream(
    network: Network,
    reader: Reader,
    count: int,
    fed: Batches,
    strategy: tf.distribute.Strategy | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[Rows, Values]]:
    """Yield rows, ascending, and their logits; rows that cannot be decoded never come.

    Args:
        network: with its variables in the strategy's scope.
        reader: gives the encoded pictures of rows 0 to ``count`` - 1.
        count: of the pictures.
        fed: how pictures are fed.
        strategy: where the network's variables are; None for one device.
        progress: wraps the batches, ``progress(batches, total=...)``.
    """
    strategy = strategy or tf.distribute.get_strategy()
    replicas = strategy.num_replicas_in_sync
    size = -(-fed.size // replicas) * replicas
    fed = Batches(size, fed.threads or os.cpu_count() or 1)
    batches: Iterable[tuple[Rows, Values, Values]] = _batches(network, reader, count, fed, strategy)
    if progress is not None:
        batches = progress(batches, total=-(-count // size))
    for index, weight, answers in batches:
        real = (index >= 0) & (weight > 0)
        yield index[real], answers[real]


def _batches(
    network: Network, reader: Reader, count: int, fed: Batches, strategy: tf.distribute.Strategy
) -> Iterator[tuple[Rows, Values, Values]]:
    """Yield index, weight and logits of each global batch, gathered from all devices."""

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        worker, workers = context.input_pipeline_id, context.num_input_pipelines
        batching = Batching(fed.size, network.image_size, worker, workers, fed.threads)
        each = fed.size // strategy.num_replicas_in_sync
        pictures = pipeline.pictures(reader, count, batching, network.decode)
        return pictures.rebatch(each, drop_remainder=True)

    def on_replica(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        answer = tf.cast(network.logits(batch["image"]), tf.float32)
        return batch["index"], batch["weight"], answer

    @tf.function(autograph=False)
    def step(batch: dict[str, tf.Tensor]) -> tuple[tf.Tensor, ...]:
        # Gathered inside the function: outside, each batch would trace the collective anew.
        return tuple(strategy.gather(part, 0) for part in strategy.run(on_replica, (batch,)))

    for batch in strategy.distribute_datasets_from_function(of_worker):
        yield tuple(part.numpy() for part in step(batch))


@dataclass(frozen=True, eq=False)
class Logits:
    """What a network says about a split.

    Attributes:
        rows: (n,) rows of ``Examples`` whose picture could be decoded, ascending.
        values: (n, C) float32, one row for each of ``rows``.
        unreadable: rows whose picture could not be decoded.
    """

    rows: Rows
    values: Values
    unreadable: Rows


def logits(
    network: Network,
    examples: Examples,
    fed: Batches,
    folder: Path,
    strategy: tf.distribute.Strategy | None = None,
    progress: Progress | None = None,
) -> Logits:
    """Run a network over a split, and keep what it says in a nameless file on the disk.

    The file is gone when the program ends, however it ends.

    Args:
        network: see ``stream``, as for ``fed``, ``strategy`` and ``progress``.
        examples: the split.
        fed: how pictures are fed.
        folder: existing folder on the disk that shall hold the logits, 4 bytes each.
        strategy: where the network's variables are.
        progress: wraps the batches.

    Raises:
        UserError: if the disk has no room for the logits, or the network gives NaN.
    """
    values = _array(len(examples), network.outputs, folder)
    known: list[Rows] = []
    filled = 0
    for rows, answers in stream(network, examples.reader, len(examples), fed, strategy, progress):
        _check(examples, rows, answers)
        known.append(rows)
        values[filled : filled + len(rows)] = answers
        filled += len(rows)
    found = np.concatenate([np.zeros(0, np.int64), *known])
    return Logits(found, values[:filled], np.setdiff1d(np.arange(len(examples)), found))


def _check(examples: Examples, rows: Rows, answers: Values) -> None:
    finite = np.isfinite(answers).all(axis=1)
    if not finite.all():
        key = examples.keys[rows[np.argmin(finite)]]
        raise UserError(f"the model gives no finite numbers for {key}: was its training cut short?")


def _array(rows: int, columns: int, folder: Path) -> Values:
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
