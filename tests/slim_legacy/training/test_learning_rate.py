from __future__ import annotations

import pytest

from slim_legacy.training import learning_rate
from slim_legacy.training.options import TrainOptions


@pytest.mark.parametrize(
    ("kind", "step", "rate"),
    [
        ("fixed", 0, 0.0045),
        ("fixed", 10**6, 0.0045),
        ("exponential", 0, 0.0045),
        ("exponential", 8300, 0.0045),  # a stair, not a slope
        ("exponential", 8301, 0.0045 * 0.94),
        ("exponential", 24903, 0.0045 * 0.94**3),
        ("polynomial", 0, 0.0045),
        ("polynomial", 2075, (0.0045 - 0.0001) * (1 - 2075 / 8301) + 0.0001),
        ("polynomial", 8301, 0.0001),
        ("polynomial", 10**6, 0.0001),  # stays at the end
    ],
)
def test_rate_at_a_step_follows_the_formula(kind, step, rate):
    options = TrainOptions(learning_rate=0.0045, learning_rate_decay_type=kind)
    assert learning_rate.at(step, 8301, options) == pytest.approx(rate, rel=1e-12)


@pytest.mark.parametrize(
    ("samples", "epochs", "batch", "clones", "steps"),
    [
        (132829, 2, 32, 1, 8301),  # wellington: 8301.8 truncated
        (132829, 2, 32, 4, 8301),  # the batch of one clone counts
        (10, 0.5, 32, 1, 1),  # fewer pictures than a batch: never a division by zero
    ],
)
def test_steps_between_decays(samples, epochs, batch, clones, steps):
    options = TrainOptions(num_epochs_per_decay=epochs, batch_size=batch, num_clones=clones)
    assert learning_rate.decay_steps(samples, options) == steps
