"""Moving averages of all model variables, ``<variable>/ExponentialMovingAverage``.

After each step: shadow = d shadow + (1 - d) variable, with d = min(decay, (1 + n) / (10 + n))
where n counts the finished steps before it. Differing from TensorFlow 1, the shadows start at
the restored variables, not at the random ones, and are moved after the update, not beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import tensorflow as tf

SUFFIX = "/ExponentialMovingAverage"


def decay_at(step: int, decay: float) -> float:
    """Return the decay of the update that follows ``step`` finished steps."""
    return min(decay, (1 + step) / (10 + step))


class MovingAverages:
    """The shadows; make them inside ``strategy.scope()``."""

    def __init__(self, variables: Mapping[str, tf.Variable]) -> None:
        self._followed = dict(variables)
        self._shadows = {
            name: tf.Variable(variable.read_value(), trainable=False)
            for name, variable in variables.items()
        }

    @property
    def variables(self) -> dict[str, tf.Variable]:
        """Shadows by their names in a checkpoint."""
        return {name + SUFFIX: shadow for name, shadow in self._shadows.items()}

    def start_from_variables(self) -> None:
        """Set every shadow to its variable, as before the first step."""
        for name, shadow in self._shadows.items():
            shadow.assign(self._followed[name].read_value())

    def move(self, decay: tf.Tensor) -> None:
        """Follow the variables once; call in cross-replica context with a scalar float32."""
        extended = tf.distribute.get_strategy().extended

        def follow(shadow: tf.Variable, variable: tf.Variable) -> None:
            shadow.assign_sub((1 - decay) * (shadow - variable))

        for name, shadow in self._shadows.items():
            extended.update(shadow, follow, args=(self._followed[name],))
