from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_classification.data.rand_augment import OPERATIONS, RandAugment


@pytest.fixture(scope="module")
def change():
    return tf.function(RandAugment(1, 24))


def test_pictures_keep_shape_and_range_and_depend_on_the_seed_only(change, smooth):
    image = tf.constant(smooth(24, 24), tf.float32)
    results = []
    for seed in range(40):
        key = tf.constant([seed, 7 * seed])
        changed = change(image, key).numpy()
        assert changed.shape == (24, 24, 3)
        assert changed.min() >= 0
        assert changed.max() <= 255
        assert (changed == change(image, key).numpy()).all()
        results.append(changed.tobytes())
    assert len(set(results)) > 2 * len(OPERATIONS)


def test_keras_still_has_these_operations_and_no_others():
    layer = keras.layers.RandAugment(value_range=(0, 255))
    assert sorted(layer._AUGMENT_LAYERS) == sorted(OPERATIONS)


def test_a_pipeline_gives_the_same_as_an_eager_call(smooth):
    change, image = RandAugment(1, 24), tf.constant(smooth(24, 24), tf.float32)
    keys = np.arange(12, dtype=np.int32).reshape(6, 2)
    inside = tf.data.Dataset.from_tensor_slices(keys).map(lambda key: change(image, key))
    for key, changed in zip(keys, inside.as_numpy_iterator(), strict=True):
        # Equalization may round a value to the other side.
        assert abs(changed - change(image, tf.constant(key)).numpy()).mean() < 0.1


def test_pictures_stay_in_single_precision_under_a_policy_of_half(change, smooth):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = RandAugment(1, 24)
    finally:
        keras.config.set_dtype_policy("float32")
    image = tf.constant(smooth(24, 24), tf.float32)
    for seed in range(5):
        key = tf.constant([seed, seed])
        np.testing.assert_allclose(half(image, key), change(image, key), atol=1e-3)
