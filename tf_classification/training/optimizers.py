"""Optimizers and learning rates."""

from __future__ import annotations

import keras

from tf_classification.runs.config import TrainConfig
from tf_classification.training.torch_rmsprop import TorchRMSprop

_DECAY = 0.97 ** (1 / 2.4)  # per epoch, README's script for EfficientNet
_STEP_DECAY, _STEP_EPOCHS = 0.1, 8  # its ResNet: a tenth every 8 epochs


def schedule(
    config: TrainConfig, steps_per_epoch: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate as a function of the step.

    ``decay`` multiplies by 0.97^(1/2.4) after each epoch, for SGD by 0.1 after every 8.
    ``cosine`` rises linearly during the warm-up and falls to 0 at the last step.
    """
    if config.lr_schedule == "cosine":
        warmup = round(config.warmup_epochs * steps_per_epoch)
        total = config.epochs * steps_per_epoch
        if not warmup:
            return keras.optimizers.schedules.CosineDecay(config.learning_rate, total)
        return keras.optimizers.schedules.CosineDecay(
            0.0, max(total - warmup, 1), warmup_target=config.learning_rate, warmup_steps=warmup
        )
    in_steps = config.optimizer_name == "sgd"
    every, rate = (_STEP_EPOCHS, _STEP_DECAY) if in_steps else (1, _DECAY)
    return keras.optimizers.schedules.ExponentialDecay(
        config.learning_rate, every * steps_per_epoch, rate, staircase=True
    )


def make(config: TrainConfig, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Make the optimizer; weight decay of rmsprop and sgd is L2 in the step (``l2_of``)."""
    rate = schedule(config, steps_per_epoch)
    name = config.optimizer_name
    if name == "adamw":
        inner = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay)
    elif name == "sgd":
        inner = keras.optimizers.SGD(rate, momentum=0.9)
    else:
        inner = TorchRMSprop(rate)
    if config.mixed_precision == "float16":
        return keras.optimizers.LossScaleOptimizer(inner)
    return inner


def l2_of(config: TrainConfig) -> float:
    """Return the factor of the parameters that the step adds to the gradients.

    As the README's script in PyTorch: every parameter, BatchNorm's and biases too.
    """
    return 0.0 if config.optimizer_name == "adamw" else config.weight_decay
