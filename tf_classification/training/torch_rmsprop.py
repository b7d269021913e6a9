"""RMSprop with the arithmetic of PyTorch, which the original's networks were trained with.

    v = rho v + (1 - rho) g^2
    m = momentum m + g / (sqrt(v) + epsilon)
    w = w - rate m

Keras' has epsilon inside the root and the rate inside the momentum: its steps are others where
gradients are small, and after each change of the rate.

Source: torch.optim.RMSprop (not centred), with the original's arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


class TorchRMSprop(keras.optimizers.Optimizer):
    """See the module."""

    def __init__(
        self, learning_rate: Any, rho: float = 0.9, momentum: float = 0.9, epsilon: float = 1e-8
    ) -> None:
        super().__init__(learning_rate, name="torch_rmsprop")
        self.rho, self.momentum, self.epsilon = rho, momentum, epsilon

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Make the slots of each variable: mean of squares and sum of steps, from 0."""
        if self.built:
            return
        super().build(variables)
        self._squares = self.add_optimizer_variables(variables, "squares")
        self._steps = self.add_optimizer_variables(variables, "steps")

    def update_step(self, gradient: Any, variable: keras.Variable, learning_rate: Any) -> None:
        """Move a variable by one step."""
        dtype, ops = variable.dtype, keras.ops
        rate, g = ops.cast(learning_rate, dtype), ops.cast(gradient, dtype)
        place = self._get_variable_index(variable)
        squares, steps = self._squares[place], self._steps[place]
        self.assign(squares, self.rho * squares + (1 - self.rho) * ops.square(g))
        self.assign(steps, self.momentum * steps + g / (ops.sqrt(squares) + self.epsilon))
        self.assign_sub(variable, rate * steps)
