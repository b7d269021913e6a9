"""One step, by hand: a network of one matrix, float64, one device."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from tf_classification.evaluation.tally import Tally
from tf_classification.training.step import Rules, Step

STRATEGY = tf.distribute.OneDeviceStrategy("CPU:0")
PLAIN = Rules()


def step_of(rules=PLAIN, optimizer=None, labels=3, hidden=False):
    """Logits = sum over pixels of (2, 2, 3) pictures times the kernel; kernel and bias are 0."""
    with STRATEGY.scope():
        x = pixels = keras.Input((2, 2, 3), dtype="float64")
        x = keras.layers.Flatten(dtype="float64")(x)
        if hidden:
            x = keras.layers.BatchNormalization(dtype="float64", name="bn")(x)
            x = keras.layers.Dense(4, dtype="float64", name="hidden", kernel_initializer="ones")(x)
        start = "ones" if hidden else "zeros"
        last = keras.layers.Dense(
            labels, dtype="float64", kernel_initializer=start, name="predictions"
        )
        model = keras.Model(pixels, last(x))
        return Step(model, optimizer or keras.optimizers.SGD(1.0), STRATEGY, rules)


def batch(labels, weights=None, seed=0, **more):
    images = np.random.default_rng(seed).uniform(0, 1, (len(labels), 2, 2, 3))
    weights = np.ones(len(labels)) if weights is None else weights
    return {
        "image": tf.constant(images),
        "label": tf.constant(labels, tf.int32),
        "weight": tf.constant(weights, tf.float32),
        "index": tf.range(len(labels), dtype=tf.int64),
        **more,
    }


def bias(step):
    return step.model.layers[-1].bias.numpy()


def test_loss_is_the_weighted_mean_of_the_examples_that_count():
    step = step_of()
    losses, _ = step.train([batch([0, 1, 2, 2], weights=[1, 1, 0, 0])])
    assert losses == pytest.approx([np.log(3)])  # logits are 0: every label has 1/3
    # the gradient of the bias is the mean of (1/3 - truth) over the two examples that count
    np.testing.assert_allclose(bias(step), [1 / 6, 1 / 6, -1 / 3], rtol=1e-12)


def test_a_batch_that_counts_nothing_changes_nothing():
    step = step_of()
    losses, _ = step.train([batch([0, 1], weights=[0, 0])])
    assert losses == [0.0]
    assert not bias(step).any()


def test_label_smoothing_spreads_the_target():
    step = step_of(Rules(label_smoothing=0.3))
    step.train([batch([0])])
    np.testing.assert_allclose(bias(step), np.array([0.8, 0.1, 0.1]) - 1 / 3, rtol=1e-12)


def test_a_mixed_target_is_taken_as_it_is():
    step = step_of()
    step.train([batch([0], target=tf.constant([[0.25, 0.75, 0.0]]))])
    np.testing.assert_allclose(bias(step), np.array([0.25, 0.75, 0]) - 1 / 3, rtol=1e-12)


def test_clipping_limits_the_norm_of_all_gradients_together():
    free, clipped = step_of(), step_of(Rules(clip_norm=0.01))
    for step in (free, clipped):
        step.train([batch([0, 1, 1])])
    moved = [np.concatenate([w.ravel() for w in s.model.get_weights()]) for s in (free, clipped)]
    assert np.linalg.norm(moved[1]) == pytest.approx(0.01)
    np.testing.assert_allclose(moved[1], 0.01 * moved[0] / np.linalg.norm(moved[0]), rtol=1e-9)


def test_l2_pulls_every_parameter_to_zero():
    step = step_of(Rules(l2=0.5))
    step.model.layers[-1].bias.assign([2.0, 2.0, 2.0])
    step.train([batch([0, 1, 2])])  # equal logits and labels: only L2 moves the bias
    np.testing.assert_allclose(bias(step), [1, 1, 1], rtol=1e-12)


def test_a_frozen_network_changes_its_last_layer_only_and_runs_as_at_inference():
    step = step_of(hidden=True)
    before = {w.path: w.numpy() for w in step.model.weights}
    step.frozen = True
    step.train([batch([0, 1, 2])])
    changed = [w.path for w in step.model.weights if (w.numpy() != before[w.path]).any()]
    assert changed == ["predictions/kernel", "predictions/bias"]
    step.frozen = False
    step.train([batch([0, 1, 2])])
    moved = step.model.get_layer("bn").moving_mean
    assert (moved.numpy() != before[moved.path]).all()


def test_averages_follow_the_weights_and_are_lent_to_the_model():
    step = step_of(Rules(ema=0.9))
    step.train([batch([0])])
    first = bias(step)
    step.train([batch([1])])
    second = bias(step)
    # momentum min(0.9, (1 + t) / (10 + t)) after t = 1 and 2 steps: 2/11 and 3/12
    average = 3 / 12 * (2 / 11 * 0 + 9 / 11 * first) + 9 / 12 * second
    with step.averaged():
        np.testing.assert_allclose(bias(step), average, rtol=1e-6)
    np.testing.assert_array_equal(bias(step), second)


def test_a_batch_is_counted_by_label():
    step = step_of(labels=4)
    step.model.layers[-1].bias.assign([3.0, 2.0, 1.0, 0.0])  # ranks labels 0, 1, 2, 3
    (outcome,) = step.evaluate(batch([0, 1, 3, 3], weights=[1, 1, 1, 0]))
    tally = step.take_tally()
    expected = np.zeros((4, 4))
    expected[[0, 1, 3], 0] = 1
    np.testing.assert_array_equal(tally.confusion, expected)
    np.testing.assert_array_equal(tally.top3, [1, 1, 0, 0])
    p = np.exp([3, 2, 1, 0]) / np.exp([3, 2, 1, 0]).sum()
    np.testing.assert_allclose(tally.loss, [-np.log(p[0]), -np.log(p[1]), 0, -np.log(p[3])])
    np.testing.assert_allclose(outcome["p_label"], p[[0, 1, 3, 3]], rtol=1e-6)
    np.testing.assert_allclose(outcome["p_second"], p[[1, 1, 1, 1]], rtol=1e-6)
    assert not step.tally().confusion.any()  # begun anew


def test_several_steps_per_call_are_the_same_steps():
    one, several = step_of(), step_of()
    batches = [batch([0, 1], seed=i) for i in range(3)]
    losses = [one.train([b])[0][0] for b in batches]
    assert several.train(batches)[0] == losses
    for a, b in zip(one.model.get_weights(), several.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_shorter_call_traces_the_network_no_second_time(monkeypatch):
    step, traced = step_of(), []
    replica = step._train_replica
    monkeypatch.setattr(step, "_train_replica", lambda b: traced.append(1) or replica(b))
    for number in (3, 3, 1, 2, 1):
        step.train([batch([0, 1], seed=i) for i in range(number)])
    assert len(traced) == 1


def test_results_of_a_step_can_be_asked_for_after_the_next_has_begun():
    both, alone = step_of(), step_of()
    first, second = (both.begin([batch([0, 1], seed=i)]) for i in range(2))
    expected = [alone.train([batch([0, 1], seed=i)])[0] for i in range(2)]
    assert [first.result()[0], second.result()[0]] == expected
    (outcome,) = both.begin_evaluation(batch([0])).result()
    assert isinstance(outcome["p_label"], np.ndarray)


def test_pictures_of_whole_numbers_may_come_as_bytes():
    whole = np.random.default_rng(0).integers(0, 256, (2, 2, 2, 3))
    found = []
    for dtype in (tf.uint8, tf.float64):
        step = step_of()
        step.train([batch([0, 1], image=tf.constant(whole, dtype))])
        found.append(step.model.get_weights()[0])
    np.testing.assert_array_equal(*found)


def test_the_tally_is_evaluations_with_ties_and_without_smoothing():
    step = step_of(Rules(label_smoothing=0.3), labels=6)
    rng = np.random.default_rng(0)
    kernel = rng.integers(-2, 3, (12, 6))  # whole numbers: many logits are equal
    step.model.layers[-1].set_weights([kernel, np.array([-200.0, 0, 0, 0, 0, 0])])
    labels = rng.integers(0, 6, 40)
    rows = batch(labels, image=tf.constant(rng.integers(0, 2, (40, 2, 2, 3)), tf.float64))
    step.evaluate(rows)
    expected = Tally.empty(6)
    expected.add(step.model(rows["image"]).numpy(), labels)
    found = step.take_tally()
    assert len(set(expected.top3)) > 2  # neither all nor nothing
    for name, value in vars(expected).items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-12, err_msg=name)


def test_float16_loss_scaling_skips_a_step_that_overflows_and_clips_unscaled():
    scaler = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=8.0)
    step = step_of(Rules(clip_norm=0.01), optimizer=scaler)
    step.train([batch([0, 1, 1])])
    moved = np.concatenate([w.ravel() for w in step.model.get_weights()])
    assert np.linalg.norm(moved) == pytest.approx(0.01)
    overflowing = batch([0])
    overflowing["image"] = tf.fill((1, 2, 2, 3), tf.constant(np.inf, tf.float64))
    step.train([overflowing])
    after = np.concatenate([w.ravel() for w in step.model.get_weights()])
    np.testing.assert_array_equal(after, moved)
    assert float(scaler.dynamic_scale) == 4.0
