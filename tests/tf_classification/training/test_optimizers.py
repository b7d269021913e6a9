"""Learning rates by the README's formulas, and which optimizer is which."""

from __future__ import annotations

import keras
import pytest

from tf_classification.runs.config import TrainConfig
from tf_classification.training import optimizers
from tf_classification.training.torch_rmsprop import TorchRMSprop

DIRS = {"dataset_dir": "base", "cropped_images_dir": "crops"}


@pytest.mark.parametrize(
    ("choice", "rates"),
    [
        # README's script: x 0.97^(1/2.4) after each epoch of 10 steps
        ({}, {0: 1, 9: 1, 10: 0.97 ** (1 / 2.4), 240: 0.97**10}),
        # its ResNet: x 0.1 after every 8 epochs
        ({"model_name": "resnet50"}, {79: 1, 80: 0.1, 160: 0.01}),
        # half a cosine over 20 epochs of 10 steps: half way half, at the end nothing
        ({"lr_schedule": "cosine", "epochs": 20}, {0: 1, 100: 0.5, 200: 0}),
        # 4 epochs up, 16 down
        (
            {"lr_schedule": "cosine", "epochs": 20, "warmup_epochs": 4.0},
            {0: 0, 20: 0.5, 40: 1, 120: 0.5, 200: 0},
        ),
    ],
)
def test_learning_rate_by_step(choice, rates):
    made = optimizers.schedule(TrainConfig(**DIRS, lr=1.0, **choice), steps_per_epoch=10)
    assert {step: float(made(step)) for step in rates} == pytest.approx(rates, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "kind", "l2"),
    [
        ("rmsprop", TorchRMSprop, 0.5),
        ("sgd", keras.optimizers.SGD, 0.5),
        ("adamw", keras.optimizers.AdamW, 0),  # decoupled: the optimizer does it
    ],
)
def test_optimizer_and_where_its_weight_decay_is(name, kind, l2):
    config = TrainConfig(**DIRS, optimizer=name, weight_decay=0.5)
    made = optimizers.make(config, 10)
    assert type(made) is kind
    assert optimizers.l2_of(config) == l2
    assert made.weight_decay == (0.5 if name == "adamw" else None)


def test_float16_scales_the_loss():
    made = optimizers.make(TrainConfig(**DIRS, mixed_precision="float16"), 10)
    assert isinstance(made, keras.optimizers.LossScaleOptimizer)
