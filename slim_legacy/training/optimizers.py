"""The seven optimizers of TF-slim by TensorFlow 1's own kernels, with its names for slots.

RMSProp, the default, is ms = d ms + (1 - d) g^2; mom = m mom + rate g / sqrt(ms + eps);
w -= mom, where ms starts at 1 and eps (1.0) is inside the root. Keras' optimizers differ there.
A checkpoint has ``<variable>/RMSProp`` (ms) and ``<variable>/RMSProp_1`` (mom).

Source: TensorFlow's training_ops, the resource_apply_* operations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import tensorflow as tf

from slim_legacy.training.options import TrainOptions


@dataclass(frozen=True)
class Rule:
    """One optimizer's arithmetic: a kernel of TensorFlow and its arguments.

    Attributes:
        name: TensorFlow 1's name, from which its slots have theirs.
        kernel: called with ``var``, ``grad``, ``lr`` and the arguments below, by keyword.
        slots: argument to the value that the slot starts with.
        numbers: argument to a constant.
        powers: argument to the decay of which it is the running power.
    """

    name: str
    kernel: Callable[..., object]
    slots: Mapping[str, float] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    powers: Mapping[str, float] = field(default_factory=dict)


def rule_of(o: TrainOptions) -> Rule:
    """Return the rule of ``o.optimizer`` with the numbers of ``o``."""
    ops, eps = tf.raw_ops, o.opt_epsilon
    rules = {
        "sgd": Rule(
            "GradientDescent",
            lambda var, grad, lr: ops.ResourceApplyGradientDescent(var=var, alpha=lr, delta=grad),
        ),
        "momentum": Rule(
            "Momentum", ops.ResourceApplyMomentum, {"accum": 0.0}, {"momentum": o.momentum}
        ),
        "rmsprop": Rule(
            "RMSProp",
            ops.ResourceApplyRMSProp,
            {"ms": 1.0, "mom": 0.0},
            {"rho": o.rmsprop_decay, "momentum": o.rmsprop_momentum, "epsilon": eps},
        ),
        "adagrad": Rule(
            "Adagrad", ops.ResourceApplyAdagrad, {"accum": o.adagrad_initial_accumulator_value}
        ),
        "adadelta": Rule(
            "Adadelta",
            ops.ResourceApplyAdadelta,
            {"accum": 0.0, "accum_update": 0.0},
            {"rho": o.adadelta_rho, "epsilon": eps},
        ),
        "adam": Rule(
            "Adam",
            ops.ResourceApplyAdam,
            {"m": 0.0, "v": 0.0},
            {"beta1": o.adam_beta1, "beta2": o.adam_beta2, "epsilon": eps},
            {"beta1_power": o.adam_beta1, "beta2_power": o.adam_beta2},
        ),
        "ftrl": Rule(
            "Ftrl",
            ops.ResourceApplyFtrl,
            {"accum": o.ftrl_initial_accumulator_value, "linear": 0.0},
            {"l1": o.ftrl_l1, "l2": o.ftrl_l2, "lr_power": o.ftrl_learning_rate_power},
        ),
    }
    return rules[o.optimizer]


class Optimizer:
    """An optimizer and its slots; make it inside ``strategy.scope()``."""

    def __init__(self, options: TrainOptions, variables: Mapping[str, tf.Variable]) -> None:
        self.rule = rule_of(options)
        self._trained = dict(variables)
        self._slots = {
            name: {
                slot: tf.Variable(tf.fill(variable.shape, start), trainable=False)
                for slot, start in self.rule.slots.items()
            }
            for name, variable in variables.items()
        }
        # The power that the next step uses: the decay itself at the first.
        self._powers = {
            name: tf.Variable(decay, trainable=False) for name, decay in self.rule.powers.items()
        }

    @property
    def variables(self) -> dict[str, tf.Variable]:
        """Slots and powers by their names in a checkpoint."""
        found = {
            f"{name}/{self.rule.name}" + (f"_{i}" if i else ""): slot
            for name, slots in self._slots.items()
            for i, slot in enumerate(slots.values())
        }
        return found | self._powers

    def apply(self, gradients: Sequence[tf.Tensor], rate: tf.Tensor) -> None:
        """Update every variable; call in cross-replica context, gradients already summed.

        Args:
            gradients: one for each variable, in their order and shapes.
            rate: scalar float32.
        """
        extended = tf.distribute.get_strategy().extended
        # One value of the powers for all variables of a step, whatever the order of updates.
        powers = {name: tf.identity(power) for name, power in self._powers.items()}
        for (name, variable), gradient in zip(self._trained.items(), gradients, strict=True):
            arguments = (gradient, rate, self._slots[name], powers)
            extended.update(variable, self._update, args=arguments)
        for name, decay in self.rule.powers.items():
            self._powers[name].assign(powers[name] * decay)

    def _update(
        self,
        variable: tf.Variable,
        gradient: tf.Tensor,
        rate: tf.Tensor,
        slots: Mapping[str, tf.Variable],
        powers: Mapping[str, tf.Tensor],
    ) -> None:
        handles = {name: slot.handle for name, slot in slots.items()}
        numbers = dict(self.rule.numbers) | dict(powers)
        self.rule.kernel(var=variable.handle, grad=gradient, lr=rate, **handles, **numbers)
