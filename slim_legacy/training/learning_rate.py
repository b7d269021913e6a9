"""The learning rate at a step: fixed, exponential (in stairs) or polynomial (a line)."""

from __future__ import annotations

from slim_legacy.training.options import TrainOptions


def decay_steps(num_samples: int, options: TrainOptions) -> int:
    """Return the steps between two decays, at least 1.

    The batch of one clone counts, however many clones there are, as in the original.
    """
    return max(1, int(num_samples * options.num_epochs_per_decay / options.batch_size))


def at(step: int, steps_per_decay: int, options: TrainOptions) -> float:
    """Return the rate that the update after ``step`` finished steps uses.

    exponential: rate * factor ** floor(step / steps_per_decay)
    polynomial: (rate - end) * (1 - min(step, steps_per_decay) / steps_per_decay) + end

    Source: tf.train.exponential_decay(staircase=True), tf.train.polynomial_decay(power=1).
    """
    rate = options.learning_rate
    if options.learning_rate_decay_type == "exponential":
        return float(rate * options.learning_rate_decay_factor ** (step // steps_per_decay))
    if options.learning_rate_decay_type == "polynomial":
        left = 1 - min(step, steps_per_decay) / steps_per_decay
        return (rate - options.end_learning_rate) * left + options.end_learning_rate
    return rate
