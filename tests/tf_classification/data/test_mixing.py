from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_classification.data.augmentation import Augmentation
from tf_classification.data.batching import Batching
from tf_classification.data.mixing import Mixer

BATCH, SIDE, LABELS = 32, 20, 4


@pytest.fixture
def batch():
    """Rows of one brightness, 8 times their number; the last row has no weight."""
    brightness = np.repeat(np.arange(BATCH, dtype=np.float32) * 8, SIDE * SIDE * 3)
    return {
        "image": tf.constant(brightness.reshape(BATCH, SIDE, SIDE, 3)),
        "label": tf.constant(np.arange(BATCH) % LABELS, tf.int32),
        "weight": tf.constant([1.0] * (BATCH - 1) + [0.0]),
        "index": tf.range(BATCH, dtype=tf.int64),
    }


def mix(batch, step=0, seed=1, **options):
    mixer = Mixer(Augmentation(**options), Batching(BATCH, SIDE), LABELS, seed)
    return {key: value.numpy() for key, value in mixer(tf.constant(step, tf.int64), batch).items()}


def partner_of(mixed):
    """Find each row's partner and own share from its darkest and brightest pixel."""
    own = np.arange(BATCH) * 8.0
    return own, mixed["image"].reshape(BATCH, -1)


def test_mixup_blends_pictures_as_it_blends_labels(batch):
    mixed = mix(batch, mixup=1.0)
    assert mixed["target"].shape == (BATCH, LABELS)
    np.testing.assert_allclose(mixed["target"].sum(axis=1), 1, atol=1e-6)
    own, pixels = partner_of(mixed)
    np.testing.assert_allclose(np.ptp(pixels, axis=1), 0, atol=1e-3)
    # A row of brightness x with a partner y and share s became s·x + (1-s)·y.
    for row in np.flatnonzero(mixed["target"].max(axis=1) < 0.999):
        share = mixed["target"][row, row % LABELS]
        other = (pixels[row, 0] - share * own[row]) / (1 - share) / 8
        if share < 0.9:
            assert other == pytest.approx(round(other), abs=0.02)
            assert mixed["target"][row, round(other) % LABELS] == pytest.approx(1 - share, abs=1e-5)


def test_cutmix_pastes_a_square_with_the_share_of_its_area(batch):
    mixed = mix(batch, cutmix=1.0)
    own, pixels = partner_of(mixed)
    kept = (pixels == own[:, None]).mean(axis=1)
    changed = np.flatnonzero(kept < 1)
    assert len(changed) > BATCH / 2
    for row in changed:
        other = round(np.setdiff1d(pixels[row], own[row])[0] / 8)
        if other % LABELS != row % LABELS:
            assert mixed["target"][row, row % LABELS] == pytest.approx(kept[row], abs=1e-5)
            assert mixed["target"][row, other % LABELS] == pytest.approx(1 - kept[row], abs=1e-5)


@pytest.mark.parametrize("options", [{"mixup": 0.4}, {"cutmix": 1.0}])
def test_a_row_whose_partner_is_bad_stays_as_it_was(batch, options):
    # Only the last two rows are good: the others would all mix with a bad one, but for chance.
    batch["weight"] = tf.constant([0.0] * (BATCH - 2) + [1.0, 1.0])
    own = np.arange(BATCH) * 8.0
    stayed = 0
    for step in range(5):
        mixed = mix(batch, step, **options)
        assert (mixed["weight"] == batch["weight"].numpy()).all()
        for row in (BATCH - 2, BATCH - 1):
            pixels = mixed["image"][row]
            assert pixels.min() >= own[BATCH - 2] - 1e-3  # nothing of the bad, darker ones
            stayed += bool(abs(pixels - own[row]).max() < 1e-3)
    assert stayed >= 6


def test_rows_that_only_fill_the_batch_are_partners_like_others(batch):
    batch["weight"] = tf.constant([1.0] + [0.0] * (BATCH - 1))
    batch["index"] = tf.constant([0] + [-1] * (BATCH - 1), tf.int64)
    brightest = max(mix(batch, step, mixup=1.0)["image"][0].max() for step in range(5))
    assert brightest > 8  # the first row itself is black


@pytest.mark.parametrize("options", [{"mixup": 0.4}, {"cutmix": 1.0}])
def test_pictures_stay_in_single_precision_under_a_policy_of_half(batch, options):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = mix(batch, **options)
    finally:
        keras.config.set_dtype_policy("float32")
    assert (half["image"] == mix(batch, **options)["image"]).all()


def test_mixing_depends_on_seed_and_step_only(batch):
    first = mix(batch, step=3, mixup=0.4)
    assert (first["image"] == mix(batch, step=3, mixup=0.4)["image"]).all()
    assert (first["image"] != mix(batch, step=4, mixup=0.4)["image"]).any()
    assert (first["image"] != mix(batch, step=3, seed=2, mixup=0.4)["image"]).any()


def test_with_both_kinds_batches_take_turns_at_random(batch):
    even = [
        np.ptp(mix(batch, step=step, mixup=1.0, cutmix=1.0)["image"], axis=(1, 2, 3)).max() < 1e-3
        for step in range(20)
    ]
    assert 4 <= sum(even) <= 16
