from __future__ import annotations

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
    import keras

    layer = keras.layers.RandAugment(value_range=(0, 255))
    assert sorted(layer._AUGMENT_LAYERS) == sorted(OPERATIONS)


def test_a_pipeline_gives_the_same_as_a_call(change, smooth):
    image = tf.constant(smooth(24, 24), tf.float32)
    keys = np.arange(12, dtype=np.int32).reshape(6, 2)
    inside = tf.data.Dataset.from_tensor_slices(keys).map(lambda key: change(image, key))
    for key, changed in zip(keys, inside.as_numpy_iterator(), strict=True):
        assert (changed == change(image, tf.constant(key)).numpy()).all()
