"""The loss: cross entropy of both heads and weight decay, as TF-slim adds them up.

loss = mean CE(Logits) + 0.4 mean CE(AuxLogits) + weight_decay * sum over kernels |w|^2 / 2,
with the label y smoothed to y (1 - s) + s / C.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import tensorflow as tf

AUX_WEIGHT = 0.4


def cross_entropy(
    points: Mapping[str, tf.Tensor], labels: tf.Tensor, smoothing: float = 0.0
) -> tf.Tensor:
    """Return the scalar loss of both heads, means over the batch.

    Args:
        points: end points with ``Logits`` and perhaps ``AuxLogits``, each (B, C).
        labels: (B,) integers in [0, C).
        smoothing: share of each label that is spread over all classes.
    """
    classes = points["Logits"].shape[-1]
    wanted = tf.one_hot(labels, classes) * (1 - smoothing) + smoothing / classes
    total = tf.constant(0.0)
    for head, weight in (("Logits", 1.0), ("AuxLogits", AUX_WEIGHT)):
        if head in points:
            losses = tf.nn.softmax_cross_entropy_with_logits(wanted, points[head])
            total += weight * tf.reduce_mean(losses)
    return total


def regularization(kernels: Iterable[tf.Tensor], weight_decay: float) -> tf.Tensor:
    """Return weight_decay times half the sum of squares of all kernels."""
    return weight_decay * tf.add_n([tf.nn.l2_loss(kernel) for kernel in kernels])
