from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from slim_legacy.nets.layers import BatchNorm, Chain, Conv, Linear, Pool, classify


def test_batch_norm_moves_its_averages_by_tensorflow_1s_formula():
    layer = BatchNorm()
    layer.build((1, 1, 2))
    x = np.random.default_rng(0).normal(3, 2, (4, 2, 2, 2)).astype(np.float32)
    y = layer(x, training=True).numpy()
    flat = x.reshape(-1, 2).astype(np.float64)
    mean, variance = flat.mean(0), flat.var(0)
    np.testing.assert_allclose(
        y.reshape(-1, 2), (flat - mean) / np.sqrt(variance + 0.001), atol=1e-5
    )
    np.testing.assert_allclose(layer.moving_mean, 0.0003 * mean, rtol=2e-3)
    unbiased = variance * 16 / 15  # TensorFlow 1's; Keras moves by the biased one
    moved = layer.moving_variance.numpy().astype(np.float64) - 1
    np.testing.assert_allclose(moved, 0.0003 * (unbiased - 1), rtol=2e-3)


def test_batch_norm_uses_its_averages_in_evaluation_and_leaves_them():
    layer = BatchNorm()
    layer.build((1, 1, 1))
    layer.moving_mean.assign([2.0])
    layer.moving_variance.assign([4.0])
    layer.beta.assign([10.0])
    y = layer(tf.constant([[[[6.0]]]]), training=False)
    assert y.numpy().item() == pytest.approx(10 + (6 - 2) / (4.001**0.5), rel=1e-5)
    assert layer.moving_mean.numpy() == [2.0]


@pytest.mark.parametrize(
    ("name", "kernel"),
    [("Conv2d_0b_1x7", (1, 7)), ("Conv2d_0c_7x1", (7, 1)), ("Conv2d_2a", (9, 8))],
)
def test_a_kernel_is_as_large_as_its_name_says_or_as_the_map(name, kernel):
    layer = Conv(name, 2)
    layer.build((9, 8, 3))
    assert layer.w.shape == (*kernel, 3, 2)


def test_a_convolution_is_that_of_keras_layers():
    ours = Conv("Conv2d_1a_3x3", 4, stride=2, padding="VALID")
    ours.build((9, 9, 3))
    theirs = keras.Sequential(
        [
            keras.layers.Conv2D(4, 3, strides=2, padding="valid", use_bias=False),
            keras.layers.BatchNormalization(scale=False, momentum=0.9997, epsilon=0.001),
            keras.layers.ReLU(),
        ]
    )
    theirs.build((None, 9, 9, 3))
    rng = np.random.default_rng(0)
    values = [rng.uniform(0.1, 1, v.shape).astype(np.float32) for v in ours.variables]
    for mine, other, value in zip(ours.variables, theirs.variables, values, strict=True):
        mine.assign(value)
        other.assign(value)
    x = rng.normal(size=(2, 9, 9, 3)).astype(np.float32)
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)


def test_an_average_leaves_the_padding_out():
    pool = Pool("AvgPool_0a_3x3", "AVG", 3, 1, "SAME")
    pool.build((3, 3, 1))
    np.testing.assert_allclose(pool(tf.ones((1, 3, 3, 1))), np.ones((1, 3, 3, 1)))


def test_a_chain_joins_parallel_steps_in_order_under_its_scope():
    chain = Chain("Mixed", [(Conv("A_1x1", 2), Conv("B_1x1", 3)), Conv("C_1x1", 1)])
    chain.build((4, 4, 1))
    assert chain.output_size == (4, 4, 1)
    kernels = {v.path: v.shape for v in chain.variables if v.path.endswith("weights")}
    assert kernels == {
        "Mixed/A_1x1/weights": (1, 1, 1, 2),
        "Mixed/B_1x1/weights": (1, 1, 1, 3),
        "Mixed/C_1x1/weights": (1, 1, 5, 1),
    }


def test_the_end_drops_a_fifth_in_training_only():
    head = Chain("Logits", [Linear("Logits", 1)])
    head.build((1, 1, 1000))
    head.variables[0].assign(np.full((1000, 1), 0.001))
    features = tf.ones((1, 2, 2, 1000))
    tf.random.set_seed(0)
    whole = classify(features, head, training=False)["Logits"].numpy().item()
    assert whole == pytest.approx(1, rel=1e-4)
    kept = classify(features, head, training=True)["Logits"].numpy().item()
    # 1000 draws, kept with 0.8 and scaled by 1 / 0.8: 1 +- 3 * sqrt(0.2 / 0.8 / 1000)
    assert 0.95 < kept < 1.05
    assert abs(kept - whole) > 1e-4
