"""The tf.data input of training and evaluation: dictionaries of batches.

==========  =======  ==========  ==========================================================
key         dtype    shape       meaning
==========  =======  ==========  ==========================================================
image       float32  (B,S,S,3)   RGB in [0, 255]; uint8 where all are whole numbers
label       int32    (B,)        position in ``Dataset.label_names``
weight      float32  (B,)        1, or 0: leave the row out of loss and metrics
index       int64    (B,)        row of ``Examples``; -1 for a row that only fills the batch
target      float32  (B,C)       only with MixUp or CutMix: share of each label
==========  =======  ==========  ==========================================================

A row with weight 0 and an index is a picture that could not be read or decoded; it is black.
The loop that consumes the batches counts these rows: a bad file never stops it, and nothing
that happens in the input depends on what happened before, which an exact resume needs.

Every batch is full (B rows), so a network is compiled once and no replica is ever empty.
Worker w of N gets rows w·B/N to (w+1)·B/N of each global batch: the stream of examples is the
same for any number of workers and replicas, and each row's random numbers depend on nothing
but seed, step and row.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from database_tools.core.sampling import Indices, Sampling
from tf_classification.data import picture_size, plain_pictures, transforms
from tf_classification.data.augmentation import DRAWS, Augmentation, generator
from tf_classification.data.augmenter import Augmenter
from tf_classification.data.batching import Batching
from tf_classification.data.examples import Examples, Reader
from tf_classification.data.mixing import Mixer

Row: TypeAlias = dict[str, tf.Tensor]
Decode: TypeAlias = Callable[[tf.Tensor, int], tf.Tensor]


class Plan(Protocol):
    """What is drawn in each epoch: ``core.sampling.EpochPlan`` or ``OversamplingPlan``."""

    @property
    def sampling(self) -> Sampling:
        """How; its seed is also that of all random changes."""

    @property
    def size(self) -> int:
        """Number of draws in an epoch."""

    def indices(self, epoch: int) -> Indices:
        """Return the rows of an epoch in the order of use, (size,) int64."""


_Columns: TypeAlias = tuple[npt.NDArray[np.generic], ...]

_SPECS = (
    tf.TensorSpec((), tf.int64),  # index
    tf.TensorSpec((), tf.int32),  # label
    tf.TensorSpec((), tf.float32),  # weight
    tf.TensorSpec((), tf.string),  # encoded picture
)
"""A row of the columns that every batch is made from."""

_READERS = 4
"""Batches read from disk at a time."""

_PREPARED = 2
"""Batches that wait for the network."""


def training(
    examples: Examples,
    plan: Plan,
    batching: Batching,
    changes: Augmentation,
    *,
    num_labels: int,
    epochs: int,
    start_step: int = 0,
) -> tf.data.Dataset:
    """Return this worker's batches of all epochs, from step ``start_step`` on.

    An epoch has ``batching.steps(plan.size)`` steps; step s belongs to epoch s // that.  The
    rows that fill an epoch's last batch repeat its first pictures with weight 0: batch
    normalization sees pictures, and the loss does not see them twice.

    Args:
        examples: the training split.
        plan: which of its rows are drawn; also gives the seed of all random changes.
        batching: how.
        changes: what happens to the pictures.
        num_labels: length of ``target``, with MixUp or CutMix.
        epochs: after how many the stream ends.
        start_step: steps that were done already, over all epochs.
    """
    per_epoch = batching.steps(plan.size)
    drawn = _LatestEpochs(plan)
    augmenter = Augmenter(changes, batching.image_size)

    def read(step: int) -> _Columns:
        epoch, step_in_epoch = divmod(int(step), per_epoch)
        rows = drawn(epoch)
        index = batching.take(rows, step_in_epoch)
        shown = np.where(index < 0, np.resize(rows, batching.size), index)[batching.part]
        uniform = generator(plan.sampling.seed, int(step)).random((batching.size, DRAWS))
        encoded = [plain_pictures.plain(picture) for picture in examples.reader(shown)]
        sizes = picture_size.read_all(encoded)
        recipe = augmenter.recipes(encoded, sizes, uniform[batching.part])
        weight = (index[batching.part] >= 0) & (sizes > 0).all(axis=1)
        return *_describe(examples.labels, index[batching.part], shown, weight, encoded), *recipe

    # A quarter of the bytes on the way to a device; what is mixed is of fractions.
    whole = not (changes.mixup or changes.cutmix or changes.rand_augment)
    dtype = tf.uint8 if whole else tf.float32

    def change(encoded: tf.Tensor, *recipe: tf.Tensor) -> tf.Tensor:
        return tf.cast(augmenter(encoded, recipe), dtype)

    steps = tf.data.Dataset.range(start_step, per_epoch * epochs)
    batches = _batches(steps, read, change, batching, augmenter.recipe_types, dtype)
    if changes.mixup or changes.cutmix:
        mixer = Mixer(changes, batching, num_labels, plan.sampling.seed)
        batches = tf.data.Dataset.zip(steps, batches).map(mixer)
    return batches.prefetch(_PREPARED)


def evaluation(
    examples: Examples, batching: Batching, decode: Decode = transforms.decode_for_evaluation
) -> tf.data.Dataset:
    """Return this worker's batches of all rows, each once, in order.

    The last batch is filled with black pictures of weight 0.

    Args:
        examples: a split.
        batching: how.
        decode: from an encoded picture and a side to (side, side, 3) float32 in [0, 255].
    """
    return _in_order(examples.reader, examples.labels, batching, decode)


def pictures(
    reader: Reader,
    count: int,
    batching: Batching,
    decode: Decode = transforms.decode_for_evaluation,
) -> tf.data.Dataset:
    """Return batches of ``count`` pictures that have no labels, otherwise as ``evaluation``."""
    return _in_order(reader, np.zeros(count, np.int32), batching, decode)


def _in_order(
    reader: Reader, labels: npt.NDArray[np.int32], batching: Batching, decode: Decode
) -> tf.data.Dataset:
    every = np.arange(len(labels))
    side = batching.image_size

    def read(step: int) -> _Columns:
        index = batching.take(every, int(step))[batching.part]
        real = index[index >= 0]
        encoded = [plain_pictures.plain(picture) for picture in reader(real)]
        encoded += [b""] * (len(index) - len(real))
        weight = np.array([picture != b"" for picture in encoded], bool)
        return _describe(labels, index, np.maximum(index, 0), weight, encoded)

    def change(encoded: tf.Tensor) -> tf.Tensor:
        return tf.cond(
            tf.equal(encoded, b""), lambda: tf.zeros((side, side, 3)), lambda: decode(encoded, side)
        )

    steps = tf.data.Dataset.range(batching.steps(len(labels)))
    return _batches(steps, read, change, batching).prefetch(_PREPARED)


def _describe(
    labels: npt.NDArray[np.int32],
    index: Indices,
    shown: Indices,
    weight: npt.NDArray[np.bool_],
    encoded: list[bytes],
) -> _Columns:
    """Return the columns that every batch has, in the order of ``_SPECS``."""
    pictures = np.array(encoded, object)
    return index, labels[shown], weight.astype(np.float32), pictures


def _batches(
    steps: tf.data.Dataset,
    read: Callable[[int], _Columns],
    change: Callable[..., tf.Tensor],
    batching: Batching,
    more: Sequence[tf.TensorSpec] = (),
    dtype: tf.DType = tf.float32,
) -> tf.data.Dataset:
    """Read each step's columns in NumPy, decode and change each row, and batch the rows again.

    Args:
        steps: scalar int64 elements.
        read: step to the columns of ``_SPECS``, then those of ``more``.
        change: encoded picture and the row of ``more`` to the picture for the network.
        batching: how.
        more: what a row of further columns is.
        dtype: of the pictures.
    """
    specs = (*_SPECS, *more)

    # TensorFlow would rewrite all that is mapped, which takes a second or two and changes nothing.
    @tf.autograph.experimental.do_not_convert
    def fetch(step: tf.Tensor) -> tuple[tf.Tensor, ...]:
        columns = tf.numpy_function(read, [step], [spec.dtype for spec in specs], stateful=False)
        return tuple(
            tf.ensure_shape(column, (batching.local_size, *spec.shape))
            for column, spec in zip(columns, specs, strict=True)
        )

    def finish(index: tf.Tensor, label: tf.Tensor, weight: tf.Tensor, *rest: tf.Tensor) -> Row:
        return {"image": change(*rest), "label": label, "weight": weight, "index": index}

    def give_up(index: tf.Tensor, label: tf.Tensor, weight: tf.Tensor, *rest: tf.Tensor) -> Row:
        black = tf.zeros((batching.image_size, batching.image_size, 3), dtype)
        return {"image": black, "label": label, "weight": tf.zeros_like(weight), "index": index}

    @tf.autograph.experimental.do_not_convert
    def attempt(*row: tf.Tensor) -> tf.data.Dataset:
        # The only way to catch an error inside a graph: a dataset of one row that loses it.
        one = tf.data.Dataset.from_tensors(row)
        good = one.map(finish).ignore_errors(log_warning=False)
        return good.concatenate(one.map(give_up)).take(1)

    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return (
        steps.map(fetch, num_parallel_calls=_READERS)
        .unbatch()
        .interleave(attempt, batching.threads, num_parallel_calls=batching.threads)
        .batch(batching.local_size, drop_remainder=True)
        .with_options(options)
    )


class _LatestEpochs:
    """Keeps the plans of the two latest epochs; several threads read around an epoch's end."""

    def __init__(self, plan: Plan) -> None:
        self._draw = functools.lru_cache(maxsize=2)(plan.indices)
        self._lock = threading.Lock()

    def __call__(self, epoch: int) -> Indices:
        with self._lock:
            return self._draw(epoch)
