"""The original's RMSprop, by its formula in float64."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from tf_classification.training.torch_rmsprop import TorchRMSprop


@pytest.mark.parametrize("scale", [1.0, 1e-8])  # where epsilon is nothing, and where it is much
def test_steps_are_those_of_the_formula_while_the_rate_falls(scale):
    rates = [0.1, 0.01, 0.01]
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], rates[:2])
    optimizer = TorchRMSprop(schedule)
    variable = keras.Variable(np.array([1.0, -2.0]), dtype="float64")
    gradients = scale * np.random.default_rng(0).normal(size=(3, 2))
    w, v, m = np.array([1.0, -2.0]), np.zeros(2), np.zeros(2)
    for rate, g in zip(rates, gradients, strict=True):
        optimizer.apply([keras.ops.convert_to_tensor(g)], [variable])
        v = 0.9 * v + 0.1 * g * g
        m = 0.9 * m + g / (np.sqrt(v) + 1e-8)
        w = w - rate * m
    np.testing.assert_allclose(variable.numpy(), w, rtol=1e-7)  # the rate is a float32


def test_the_first_step_is_a_rate_times_the_root_of_ten_whatever_the_gradient():
    variable = keras.Variable(np.array([0.0]), dtype="float64")
    TorchRMSprop(0.5).apply([keras.ops.convert_to_tensor([1e3])], [variable])
    # g / sqrt(0.1 g^2) = sqrt(10)
    np.testing.assert_allclose(variable.numpy(), [-0.5 * np.sqrt(10)], rtol=1e-7)
