from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from slim_legacy.training import losses


def by_hand(logits, labels, smoothing):
    logits = np.asarray(logits, np.float64)
    classes = logits.shape[1]
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    y = np.eye(classes)[labels] * (1 - smoothing) + smoothing / classes
    return -(y * log_p).sum(axis=1).mean()


LOGITS = [[2.0, -1.0, 0.5], [0.0, 0.0, 3.0]]
AUX = [[0.1, 0.2, 0.3], [1.0, -1.0, 0.0]]
LABELS = [0, 1]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_auxiliary_head_counts_two_fifths(smoothing):
    points = {"Logits": tf.constant(LOGITS), "AuxLogits": tf.constant(AUX)}
    loss = losses.cross_entropy(points, tf.constant(LABELS, tf.int64), smoothing)
    wanted = by_hand(LOGITS, LABELS, smoothing) + 0.4 * by_hand(AUX, LABELS, smoothing)
    assert float(loss) == pytest.approx(wanted, rel=1e-6)


def test_a_network_without_auxiliary_head_has_one_loss():
    loss = losses.cross_entropy({"Logits": tf.constant(LOGITS)}, tf.constant(LABELS, tf.int64))
    assert float(loss) == pytest.approx(by_hand(LOGITS, LABELS, 0), rel=1e-6)


def test_weight_decay_is_half_the_sum_of_squares():
    kernels = [tf.constant([[1.0, 2.0]]), tf.constant([3.0])]
    assert float(losses.regularization(kernels, 0.1)) == pytest.approx(0.1 * (1 + 4 + 9) / 2)
