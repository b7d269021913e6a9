"""MixUp and CutMix with Keras' layers: mixes the pictures of a batch, and their labels.

The random numbers are drawn here, from (seed, step), because the layers' own come from variables
that an exact resume could not restore; the layers do the work on the pixels.  Pictures mix within
a worker's part of the batch, so with these two the stream depends on the number of workers (not
on the number of replicas of one machine).

Source: Zhang et al. 2018, "mixup"; Yun et al. 2019, "CutMix".
"""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_classification.data.augmentation import Augmentation, generator
from tf_classification.data.batching import Batching

_MIXING = 2**63
"""Above any step, so that these draws are not those of the pictures' own changes."""


class Mixer:
    """Mixes batches; with both kinds switched on, each batch takes one of them at random."""

    def __init__(
        self, changes: Augmentation, batching: Batching, num_labels: int, seed: int
    ) -> None:
        self._changes = changes
        self._batching = batching
        self._num_labels = num_labels
        self._seed = seed
        # Pictures stay in single precision, whatever the network computes in.
        self._mixup = keras.layers.MixUp(dtype="float32")
        self._cutmix = keras.layers.CutMix(dtype="float32")

    def __call__(self, step: tf.Tensor, batch: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Return the batch with mixed pictures and with ``target``, (B, num_labels) float32.

        Args:
            step: scalar int64.
            batch: as ``pipeline.training`` makes it.

        Returns:
            The batch; a row whose partner is a bad picture mixes with itself: it stays as it was.
        """
        size = self._batching.local_size
        types = (tf.int64, tf.float32, tf.float32)
        order, share, box = tf.numpy_function(self._draw, [step], types, stateful=False)
        order, share = tf.ensure_shape(order, (size,)), tf.ensure_shape(share, (size,))
        # A row that only fills the batch has no weight, but it is a picture with a label.
        usable = (batch["weight"] > 0) | (batch["index"] < 0)
        order = tf.where(tf.gather(usable, order), order, tf.range(size, dtype=tf.int64))
        drawn = {"permutation_order": order, "mix_weight": share}
        masks = _inside(tf.ensure_shape(box, (size, 4)), self._batching.image_size)
        image = tf.cond(
            tf.reduce_any(box > 0),
            lambda: self._cutmix.transform_images(batch["image"], {**drawn, "batch_masks": masks}),
            lambda: self._mixup.transform_images(batch["image"], drawn),
        )
        target = self._mixup.transform_labels(tf.one_hot(batch["label"], self._num_labels), drawn)
        return {**batch, "image": image, "target": target}

    def _draw(self, step: int) -> tuple[npt.NDArray[np.generic], ...]:
        """Draw the partners, (B,), the shares that rows keep, (B,), and CutMix's boxes, (B, 4).

        The boxes, rows (top, left, bottom, right) in pixels, are all 0 for MixUp.
        """
        rng = generator(self._seed, _MIXING + int(step))
        size, side = self._batching.size, self._batching.image_size
        order = rng.permutation(self._batching.local_size)
        cut = rng.random() < 0.5 if self._changes.mixup else True
        cut = bool(cut and self._changes.cutmix)
        alpha = self._changes.cutmix if cut else self._changes.mixup
        share = rng.beta(alpha, alpha, size)[self._batching.part]
        if not cut:
            return order, share.astype(np.float32), np.zeros((len(share), 4), np.float32)
        length = np.rint(side * np.sqrt(1 - share))[:, None]
        start = np.floor(rng.random((size, 2))[self._batching.part] * (side - length + 1))
        share = 1 - (length[:, 0] / side) ** 2  # after rounding to whole pixels
        box = np.hstack([start, start + length])
        return order, share.astype(np.float32), box.astype(np.float32)


def _inside(box: tf.Tensor, side: int) -> tf.Tensor:
    """Return which pixels are in the boxes, (B, side, side, 1) bool; see ``Mixer._draw``."""
    place = tf.range(side, dtype=tf.float32)
    y, x = place[None, :, None, None], place[None, None, :, None]
    top, left, bottom, right = (edge[:, None, None, None] for edge in tf.unstack(box, axis=1))
    return (y >= top) & (y < bottom) & (x >= left) & (x < right)
