from __future__ import annotations

import pytest
import tensorflow as tf

from slim_legacy.training.moving_averages import MovingAverages, decay_at


@pytest.mark.parametrize(
    ("step", "decay"), [(0, 1 / 10), (1, 2 / 11), (8, 0.5), (89990, 89991 / 90000), (10**6, 0.9999)]
)
def test_the_decay_grows_to_its_limit(step, decay):
    assert decay_at(step, 0.9999) == pytest.approx(decay, rel=1e-12)


def test_shadows_follow_the_variable_by_the_formula():
    variable = tf.Variable([2.0, -4.0])
    averages = MovingAverages({"a/weights": variable})
    shadow = averages.variables["a/weights/ExponentialMovingAverage"]
    wanted = [2.0, -4.0]
    for step, value in enumerate([[1.0, 1.0], [0.0, 3.0], [5.0, 5.0]]):
        variable.assign(value)
        d = decay_at(step, 0.15)
        averages.move(tf.constant(d))
        wanted = [d * w + (1 - d) * v for w, v in zip(wanted, value, strict=True)]
        assert shadow.numpy() == pytest.approx(wanted, rel=1e-6)


def test_shadows_start_at_the_restored_variables():
    variable = tf.Variable([0.0])
    averages = MovingAverages({"w": variable})
    variable.assign([7.0])
    averages.start_from_variables()
    assert averages.variables["w/ExponentialMovingAverage"].numpy() == [7.0]
