"""Each optimizer against its formula, computed here in float64 over several steps."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from slim_legacy.training.optimizers import Optimizer
from slim_legacy.training.options import OPTIMIZERS, TrainOptions

GRADIENTS = np.array([[0.5, -1.0], [0.1, 2.0], [-0.3, 0.0], [1.0, 1.0], [-2.0, 0.25]])
RATES = [0.1, 0.1, 0.05, 0.05, 0.2]  # changing, because Keras' momentum differs only then
START = np.array([1.0, -2.0])


def sgd(w, g, rate, s, t):
    return w - rate * g


def momentum(w, g, rate, s, t):
    s["a"] = 0.9 * s.get("a", 0) + g
    return w - rate * s["a"]


def rmsprop(w, g, rate, s, t):
    s["ms"] = 0.9 * s.get("ms", 1.0) + 0.1 * g**2
    s["mom"] = 0.9 * s.get("mom", 0) + rate * g / np.sqrt(s["ms"] + 1.0)
    return w - s["mom"]


def adagrad(w, g, rate, s, t):
    s["a"] = s.get("a", 0.1) + g**2
    return w - rate * g / np.sqrt(s["a"])


def adadelta(w, g, rate, s, t):
    s["a"] = 0.95 * s.get("a", 0) + 0.05 * g**2
    update = g * np.sqrt(s.get("u", 0) + 1.0) / np.sqrt(s["a"] + 1.0)
    s["u"] = 0.95 * s.get("u", 0) + 0.05 * update**2
    return w - rate * update


def adam(w, g, rate, s, t):
    s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
    s["v"] = 0.999 * s.get("v", 0) + 0.001 * g**2
    rate_t = rate * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return w - rate_t * s["m"] / (np.sqrt(s["v"]) + 1.0)


def ftrl(w, g, rate, s, t):
    before = s.get("n", 0.1)
    s["n"] = before + g**2
    s["z"] = s.get("z", 0) + g - (np.sqrt(s["n"]) - np.sqrt(before)) / rate * w
    return -s["z"] / (np.sqrt(s["n"]) / rate)  # without l1 and l2


FORMULAS = {f.__name__: f for f in (sgd, momentum, rmsprop, adagrad, adadelta, adam, ftrl)}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_follows_its_formula(name):
    variable = tf.Variable(START, dtype=tf.float32)
    optimizer = Optimizer(TrainOptions(optimizer=name), {"w": variable})
    wanted, slots = START, {}
    for t, (g, rate) in enumerate(zip(GRADIENTS, RATES, strict=True), start=1):
        optimizer.apply([tf.constant(g, tf.float32)], tf.constant(rate))
        wanted = FORMULAS[name](wanted, g, rate, slots, t)
        np.testing.assert_allclose(variable.numpy(), wanted, rtol=2e-6, atol=2e-6)


def test_epsilon_is_inside_the_root_and_the_mean_of_squares_starts_at_one():
    variable = tf.Variable([0.0])
    options = TrainOptions(rmsprop_momentum=0.0)
    Optimizer(options, {"w": variable}).apply([tf.constant([3.0])], tf.constant(1.0))
    # ms = 0.9 * 1 + 0.1 * 9 = 1.8; w = -3 / sqrt(1.8 + 1)
    assert variable.numpy()[0] == pytest.approx(-3 / 2.8**0.5, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "slots"),
    [
        ("sgd", []),
        ("momentum", ["w/Momentum"]),
        ("rmsprop", ["w/RMSProp", "w/RMSProp_1"]),
        ("adagrad", ["w/Adagrad"]),
        ("adadelta", ["w/Adadelta", "w/Adadelta_1"]),
        ("adam", ["w/Adam", "w/Adam_1", "beta1_power", "beta2_power"]),
        ("ftrl", ["w/Ftrl", "w/Ftrl_1"]),
    ],
)
def test_slots_have_the_names_of_tensorflow_1(name, slots):
    optimizer = Optimizer(TrainOptions(optimizer=name), {"w": tf.Variable([0.0])})
    assert list(optimizer.variables) == slots


def test_adam_goes_on_from_its_slots_as_if_never_stopped():
    first, second = tf.Variable([1.0]), tf.Variable([1.0])
    whole = Optimizer(TrainOptions(optimizer="adam"), {"w": first})
    again = Optimizer(TrainOptions(optimizer="adam"), {"w": second})
    whole.apply([tf.constant([0.5])], tf.constant(0.1))
    for name, variable in again.variables.items():
        variable.assign(whole.variables[name])
    second.assign(first)
    for optimizer in (whole, again):
        optimizer.apply([tf.constant([-0.2])], tf.constant(0.1))
    assert first.numpy() == second.numpy()
